import { execFileSync } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { copyPhotographs, names, root, run, startServer, type StrangersServer } from "./stranger.ts";

/** The programs of `examples/`, against the installed package. */

const { folder } = inject("installed");
const pictures = names.map((name) => join("photos", name));

/** Python 3, where this machine has one. */
function findPython(): string | null {
  try {
    execFileSync("python3", ["-c", "import sys; assert sys.version_info >= (3, 8)"], { stdio: "ignore" });
    return "python3";
  } catch {
    return null;
  }
}

const python = findPython();
const withPython = python === null ? " (skipped: this machine has no Python 3.8 or later)" : "";

beforeAll(async () => {
  await copyPhotographs(join(folder, "photos"));
  await cp(join(root, "examples/node"), join(folder, "node"), { recursive: true });
  await cp(join(root, "examples/python"), join(folder, "python"), { recursive: true });
});

it("score.js scores in its own process", async () => {
  const lines = (await run("node", ["node/score.js", ...pictures], folder)).trim().split("\n");
  expect(lines.slice(0, names.length).map((line) => line.split(" ").slice(0, 2))).toEqual(
    pictures.map((path) => [path, "scored"]),
  );
  const counted = lines.slice(names.length).reduce((sum, line) => sum + Number(line.split(": ")[1]), 0);
  expect(counted).toBe(names.length);
});

it.skipIf(python === null)(`read_outputs.py reads every format alike${withPython}`, async () => {
  const args = ["score", "photos", "--out", "out-python", "--formats", "jsonl,csv,parquet", "--quiet"];
  await run("npx", ["--no", "--", "countenance", ...args], folder);
  const [job = ""] = await readdir(join(folder, "out-python"));
  const told = await run("python3", ["python/read_outputs.py", join("out-python", job)], folder);
  // What was skipped shows in a run's output.
  process.stdout.write(told);
  const found = new Map(
    told
      .trim()
      .split("\n")
      .map((line) => [line.split(": ")[0], line.split(": ")[1]]),
  );
  expect(new Set(found.keys())).toEqual(new Set(["json", "csv", "pandas", "pyarrow", "polars", "duckdb"]));
  expect(found.get("json")).toMatch(/^\{'[A-Z]/);
  const read = [...found.values()].filter((value) => value !== "skipped, not installed");
  expect(new Set(read)).toEqual(new Set([found.get("json")]));
});

describe("against a server", () => {
  let server: StrangersServer;
  let variables: Readonly<Record<string, string>>;
  let job = "";

  beforeAll(async () => {
    server = await startServer(folder, "data-examples");
    const key = (await readFile(join(folder, "data-examples/admin-key"), "utf8")).trim();
    variables = { COUNTENANCE_URL: server.origin, COUNTENANCE_KEY: key };
  });
  afterAll(() => server?.stop("SIGTERM"));

  it("submit.js uploads, submits, follows and reads", async () => {
    const own = [pictures[0]!, pictures[2]!];
    const lines = (await run("node", ["node/submit.js", ...own], folder, variables)).trim().split("\n");
    // Of one name: the second upload replaces the first.
    expect(lines).toHaveLength(1);
    const listed = await run("npx", ["--no", "--", "countenance", "list", "--json"], folder, variables);
    expect((JSON.parse(listed) as readonly { readonly id: string }[])[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("`countenance submit` uploads a folder, submits it, and finds the job by the end of its id", async () => {
    const formats = ["--formats", "jsonl,parquet"];
    const args = ["submit", "photos", "--faces", "largest", ...formats, "--watch", "--json"];
    const done = JSON.parse(await run("npx", ["--no", "--", "countenance", ...args], folder, variables)) as {
      readonly id: string;
      readonly status: string;
      readonly counts: { readonly listed: number };
    };
    expect([done.status, done.counts.listed]).toEqual(["completed", names.length]);
    job = done.id;
    const got = await run("npx", ["--no", "--", "countenance", "get", done.id.slice(-8)], folder, variables);
    expect(got).toContain(done.id);
    const planned = ["submit", "--store", "faces", "--prefix", "uploads/", "--dry-run"];
    const plan = await run("npx", ["--no", "--", "countenance", ...planned], folder, variables);
    expect(plan).toMatch(/^reads +4 objects, .* kB\ntakes /);
    const wrong = ["submit", "--store", "face", "--prefix", "uploads/"];
    await expect(run("npx", ["--no", "--", "countenance", ...wrong], folder, variables)).rejects.toThrow(
      'no store is named "face": there is faces',
    );
  });

  it.skipIf(python === null)(
    `wait_for_success.py sees the end, query_over_http.py asks for its columns${withPython}`,
    async () => {
      expect(await run("python3", ["python/wait_for_success.py", job], folder, variables)).toBe("_SUCCESS\n");
      const told = await run("python3", ["python/query_over_http.py", job], folder, variables);
      process.stdout.write(told);
      expect(told).toMatch(/^duckdb: skipped, |read over HTTP by (httpfs|fsspec)\n$/);
      await expect(
        run("python3", ["python/wait_for_success.py", "0190b6a5-0000-7000-8000-000000000001"], folder, variables),
      ).rejects.toThrow("404");
    },
  );
});
