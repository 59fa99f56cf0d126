import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../../src/scoring/report/report.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";

const root = join(import.meta.dirname, "../../..");
const portraits = join(root, "node_modules/tabler-ui/dist/demo/faces/female");

async function runCli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [join(root, "cli/countenance.ts"), ...args], { cwd: root });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

/** Every file of the one job below `out`, by its name. */
async function readOutputs(out: string): Promise<Map<string, string>> {
  const [job] = await readdir(out);
  const names = await readdir(join(out, job!), { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const prefix = join(out, job!).length + 1;
  return new Map(
    await Promise.all(files.map(async (path) => [path.slice(prefix), await readFile(path, "latin1")] as const)),
  );
}

describe("countenance score", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countenance-cli-"));
    await cp(portraits, join(folder, "in"), { recursive: true });
    await writeFile(join(folder, "in/zz-not-an-image.jpg"), "hello");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("scores a sample, names what it left out, and leaves pages to look at", async () => {
    const photos = join(folder, "photos");
    await mkdir(photos);
    for (const name of ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]) await cp(join(portraits, name), join(photos, name));
    await symlink(join(portraits, "5.jpg"), join(photos, "5.jpg"));
    const out = join(folder, "sampled");
    const words = ["score", photos, "--sample", "2", "--formats", "csv", "--out", out, "--threads", "1"];
    const { code, stdout, stderr } = await runCli(...words);
    expect(code).toBe(0);
    expect(stdout).toContain("2 images: 2 scored.");
    const outputs = await readOutputs(out);
    expect([...outputs.keys()]).toEqual(expect.arrayContaining(["report.html", "contact-sheet.html"]));
    expect(outputs.get("contact-sheet.html")!.match(/class="picture"/g)).toHaveLength(2);
    for (const name of ["report.html", "contact-sheet.html"]) expect(stderr).toContain(`/${name}\n`);
  });

  it("takes groups from a list, and is quiet where it is asked to be", async () => {
    const list = join(folder, "participants.csv");
    await writeFile(list, "key,hand,label\n1.jpg,left,Happy\n2.jpg,right,Happy\n3.jpg,left,Sad\n");
    const out = join(folder, "listed");
    const args = ["--list", list, "--group-by", "hand", "--out", out, "--threads", "1", "--quiet"];
    const { code, stdout, stderr } = await runCli("score", portraits, ...args);
    expect([code, stdout, stderr]).toEqual([0, "", ""]);
    const report = JSON.parse((await readOutputs(out)).get("report.json")!) as Report;
    expect(report.denominators).toMatchObject({ listed: 3, scored: 3, labelled: 3 });
    expect(report.groups.map(({ key }) => key)).toEqual(["hand"]);
  });

  it("ends with code 2 over a folder without a picture, and says which formats it knows", async () => {
    const texts = join(folder, "texts");
    await mkdir(texts);
    await writeFile(join(texts, "readme.txt"), "no picture");
    await symlink(join(portraits, "1.jpg"), join(texts, "1.jpg"));
    const { code, stderr } = await runCli("score", texts, "--out", join(folder, "none"), "--threads", "1");
    expect(code).toBe(2);
    expect(stderr).toContain("there is no JPEG, PNG or WebP picture among its 1 file");
    expect(stderr).toContain("1 symbolic link was not followed");
  });

  it("fails above a threshold of one's own, with _FAILED and never _SUCCESS", async () => {
    const broken = join(folder, "broken");
    await mkdir(broken);
    await cp(join(portraits, "1.jpg"), join(broken, "a.jpg"));
    for (let at = 0; at < 120; at++) await writeFile(join(broken, `${at}.jpg`), "no picture");
    const scored = async (threshold: string) => {
      const out = join(folder, `threshold-${threshold}`);
      const { code } = await runCli("score", broken, "--out", out, "--threads", "1", "--error-threshold", threshold);
      const outputs = await readOutputs(out);
      const last = ["_SUCCESS", "_FAILED"].filter((name) => outputs.has(name));
      return [code, last, (JSON.parse(outputs.get(last[0]!)!) as { status: string }).status];
    };
    expect(await scored("0.5")).toEqual([1, ["_FAILED"], "failed"]);
    expect(await scored("1")).toEqual([3, ["_SUCCESS"], "completed_with_errors"]);
    const refused = await runCli("score", broken, "--error-threshold", "5%");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("--error-threshold")]);
  }, 60_000);

  it("scores a folder over several threads, one record an image, in order", async () => {
    const out = join(folder, "out");
    const { code, stdout } = await runCli(
      "score",
      join(folder, "in"),
      "--out",
      out,
      "--faces",
      "aligned",
      "--threads",
      "2",
      "--json",
    );
    expect(code).toBe(3);
    const outputs = await readOutputs(out);
    const records = outputs
      .get("labels.jsonl")!
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as ScoreRecord);
    const names = (await readdir(join(folder, "in"))).sort();
    expect(records.map(({ key }) => key)).toEqual(names);
    expect(records.filter(({ status }) => status === "scored")).toHaveLength(names.length - 1);
    expect(records.at(-1)).toMatchObject({ status: "failed", error: { code: "image_unsupported" } });
    const report = JSON.parse(stdout) as { denominators: { listed: number; scored: number; failed: number } };
    expect(report.denominators).toMatchObject({ listed: names.length, scored: names.length - 1, failed: 1 });

    // As few as these are, each thread gets some.
    expect([...outputs.keys()].filter((name) => name.startsWith("parts/")).length).toBeGreaterThan(2);

    const success = JSON.parse(outputs.get("_SUCCESS")!) as {
      objects: { name: string; bytes: number; sha256: string }[];
    };
    const listed = success.objects.map(({ name }) => name);
    expect(new Set(listed)).toEqual(
      new Set([...outputs.keys()].filter((name) => !/^(_SUCCESS|contact-sheet\.html)$/.test(name))),
    );
    for (const { name, bytes, sha256 } of success.objects) {
      const content = Buffer.from(outputs.get(name)!, "latin1");
      expect([name, content.length, createHash("sha256").update(content).digest("hex")]).toEqual([name, bytes, sha256]);
    }
  });

  it("plans pages and formats chunks beside the scoring: every input once, in order, the bytes that one thread writes", async () => {
    const many = join(folder, "many");
    await mkdir(many);
    const names = Array.from({ length: 2100 }, (_, i) => `${String(i).padStart(4, "0")}.jpg`);
    const [first] = await readdir(portraits);
    const portrait = await readFile(join(portraits, first!));
    await Promise.all(names.map((name) => writeFile(join(many, name), portrait)));
    await writeFile(join(many, "1700.jpg"), portrait.subarray(0, 3000));
    const [one, two] = await Promise.all(
      ["1", "2"].map(async (threads) => {
        const out = join(folder, `out-many-${threads}`);
        const formats = "jsonl,csv,parquet";
        const { code } = await runCli(
          "score",
          many,
          "--out",
          out,
          "--faces",
          "aligned",
          "--threads",
          threads,
          "--formats",
          formats,
        );
        expect(code).toBe(3);
        return readOutputs(out);
      }),
    );
    const lines = two!.get("labels.jsonl")!.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as ScoreRecord).key)).toEqual(names);
    // Who formatted which chunk does not show.
    for (const name of ["input.jsonl", "labels.jsonl", "labels.csv", "labels.parquet", "errors.jsonl"])
      expect([name, two!.get(name)]).toEqual([name, one!.get(name)]);
  });

  it("writes one record per face of photographs, and one for every picture without", async () => {
    const mixed = join(folder, "mixed");
    const packages = join(root, "node_modules");
    for (let n = 1; n <= 6; n++) {
      await cp(join(packages, `@vladmandic/face-api/demo/sample${n}.jpg`), join(mixed, `group-${n}.jpg`));
    }
    for (const name of ["1.jpg", "2.jpg", "3.jpg"]) await cp(join(portraits, name), join(mixed, name));
    const landscape = "tabler-ui/dist/demo/photos/adrian-infernus-281832-1500.jpg";
    await cp(join(packages, landscape), join(mixed, "landscape.jpg"));
    const whole = await readFile(join(portraits, "4.jpg"));
    await writeFile(join(mixed, "corrupt.jpg"), whole.subarray(0, 3000));

    const out = join(folder, "out-mixed");
    const { code, stdout } = await runCli("score", mixed, "--out", out, "--faces", "all", "--json");
    expect(code).toBe(3);
    const lines = (await readOutputs(out)).get("labels.jsonl")!.trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as ScoreRecord);
    const perKey = (key: string) => records.filter((record) => record.key === key).length;
    expect([1, 2, 3, 4, 5, 6].map((n) => perKey(`group-${n}.jpg`))).toEqual([3, 3, 3, 4, 5, 4]);
    expect(records).toHaveLength(27);
    const report = JSON.parse(stdout) as { denominators: Record<string, unknown> };
    expect(report.denominators).toMatchObject({
      listed: 11,
      scored: 9,
      noFace: 1,
      failed: 1,
      unaccounted: 0,
      faces: 25,
      failedByReason: [{ code: "image_truncated", count: 1 }],
    });
  });

  it("says what is wrong with a command line, and exits 2", async () => {
    const missing = await runCli("score", join(folder, "nowhere"));
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toContain("nowhere: no such file or folder");
    expect(await runCli("score", join(folder, "in"), "--faces", "some")).toMatchObject({ code: 2, stdout: "" });
    expect((await runCli("score", join(folder, "in"), "--model", "nobody")).stderr).toContain('no model "nobody"');
  });
});
