import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serializeRecords } from "../../../src/scoring/records/record-line.ts";
import type { FaceComparison } from "../../../src/scoring/statistics/compare-faces.ts";
import { makeRecords } from "../scoring/fold/aggregate-fixtures.ts";

const root = join(import.meta.dirname, "../../..");

async function runCli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [join(root, "cli/countenance.ts"), "compare", ...args], {
    cwd: root,
  });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe("countenance compare", () => {
  let folder: string;
  const place = (...names: string[]) => join(folder, ...names);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countenance-compare-"));
    await mkdir(place("first", "0196f0"), { recursive: true });
    await mkdir(place("second"));
    await writeFile(place("first/0196f0/labels.jsonl"), serializeRecords(makeRecords(200, { seed: 2 })));
    await writeFile(
      place("second/labels.jsonl"),
      serializeRecords(makeRecords(200, { seed: 2, tilt: 1.5 }).toReversed()),
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("sets two folders of local runs side by side", async () => {
    const { code, stdout, stderr } = await runCli(place("first"), place("second/labels.jsonl"), "--most", "3");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`A: ${place("first")}\nB: ${place("second/labels.jsonl")}\n`);
    expect(stdout).toMatch(/^\d+ faces scored by both, .*\d+ in A alone, \d+ in B alone$/m);
    expect(stdout).toMatch(/^agreement \d+\.\d\u00a0% \(.*\), Cohen's kappa -?0\.\d\d$/m);
    expect(stdout).toMatch(/only A is right \d+ times, only B \d+; McNemar's mid-p \S+/);
    expect(stdout).toMatch(/Happy .*\u00a0% .*[+−]\d+\.\d \([+−]?\d+\.\d to [+−]?\d+\.\d\)/);
    expect(stdout.match(/2026\/11\/22\//g)).toHaveLength(3);
  });

  it("prints the same as JSON", async () => {
    const { stdout } = await runCli(place("first/0196f0"), place("second"), "--json", "--most", "0");
    const compared = JSON.parse(stdout) as FaceComparison & { first: string; second: string };
    expect([compared.first, compared.second]).toEqual([place("first/0196f0"), place("second")]);
    expect(compared.confusion.counts.flat().reduce((sum, count) => sum + count, 0)).toBe(compared.faces.compared);
    expect(compared.farthest).toEqual([]);
  });

  it("names what cannot be read, with its line", async () => {
    await mkdir(place("broken"));
    await writeFile(place("broken/labels.jsonl"), `${serializeRecords(makeRecords(2))}{"id":3}\n`);
    const broken = await runCli(place("first"), place("broken"));
    expect([broken.code, broken.stderr]).toEqual([2, expect.stringContaining(`${place("broken/labels.jsonl")}:3: `)]);
    await mkdir(place("empty"));
    const empty = await runCli(place("empty"), place("second"));
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining("holds no labels.jsonl")]);
    const many = await runCli(place("first"), place("second"), "--most", "-1");
    expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("--most: must be 0 to 10000")]);
  });
});
