import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

/** What the command line does without a server: completion for shells, and how fast this machine is. */

const root = join(import.meta.dirname, "../../..");
const program = join(root, "cli/countenance.ts");

/** As a shell starts it: the variables of a test runner or of CI would take the colors away. */
const env = { ...process.env, TEST: undefined, CI: undefined, NO_COLOR: undefined };

function run(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { cwd: root, env, encoding: "utf8" });
}

/** What a shell is offered behind these words. */
const answer = (...words: string[]) =>
  run("complete", "--", ...words)
    .stdout.split("\n")
    .map((line) => line.split("\t")[0]);

describe("completion", () => {
  it.each(["bash", "zsh", "fish"])("writes a script for %s that names the program", (shell) => {
    const { status, stdout } = run("complete", shell);
    expect(status).toBe(0);
    expect(stdout).toContain("countenance complete --");
  });

  it("writes what bash takes for a script", () => {
    expect(() => execFileSync("bash", ["-n"], { input: run("complete", "bash").stdout })).not.toThrow();
  });

  it("answers a shell with commands, their commands and options", () => {
    expect(answer("sc")).toEqual(expect.arrayContaining(["score", "schedule"]));
    expect(answer("key", "")).toEqual(expect.arrayContaining(["create", "rotate", "remove"]));
    expect(answer("submit", "--")).toEqual(expect.arrayContaining(["--store", "--prefix", "--json"]));
  });
});

describe("a command line", () => {
  // Nothing listens there: what passes ends with 4.
  const nowhere = ["--url", "http://127.0.0.1:1", "--key", "k"];

  it.each([
    [["key", "create", "ward", "--grant", "faces/ward/"], "there is no option --grant (did you mean --grants?)"],
    [
      ["submit", "--store", "faces", "--prefix", "in/", "--dryrun"],
      "there is no option --dryrun (did you mean --dry-run?)",
    ],
    [["submit", "-x"], "there is no option -x"],
    [["submit", "--store", "--prefix", "in/"], "--store needs a value"],
    [["key", "create", "ward", "--grants"], "--grants needs a value"],
    [["list", "--limit="], "--limit needs a value"],
    [["list", "--json=no"], "--json takes no value"],
    [["submit", "one.json", "two.json"], '"two.json" is one word too many'],
    [["--json", "list"], "there is no command --json"],
    [["constructor"], "there is no command constructor"],
    [["key", "make"], "there is no command make"],
    [["key"], "a command is missing"],
  ])("%j is refused before anything is asked, with what to read next", (words, finding) => {
    const { status, stderr } = run(...words, ...(words[0] === "key" && words.length === 1 ? [] : nowhere));
    expect([status, stderr.split("\n")[0]]).toEqual([2, `error: ${finding}`]);
    expect(stderr).toMatch(/^ {2}countenance.* --help lists what there is$/m);
  });

  it.each([
    [["erase", "faces", "a.jpg", "--no-wait"]],
    [["schedule", "update", "x", "--window-offset-hours", "-24"]],
    [["submit", "--store=faces", "--prefix=in/", "--dry-run", "--json"]],
  ])("%j passes", (words) => {
    expect(run(...words, ...nowhere).status).toBe(4);
  });
});

describe("--web", () => {
  const server = ["--url", "https://faces.example/", "--key", "k"];
  const page = "https://faces.example/#/jobs?status=failed&tag=ward-3&q=a+b";
  const filters = ["--status", "failed", "--tag", "ward-3", "--search", "a b"];
  const isLinux = process.platform === "linux";
  const onLinux = isLinux ? "" : " (skipped: only Linux opens pages by a program that a folder of PATH can hold)";

  it.runIf(isLinux)(`opens the page of the console, with the filters of the list${onLinux}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "countenance-web-"));
    const opened = join(folder, "opened");
    await writeFile(
      join(folder, "xdg-open"),
      `#!/bin/sh\nprintf %s "$1" > ${opened}.new && mv ${opened}.new ${opened}\n`,
      {
        mode: 0o755,
      },
    );
    const own = { ...env, PATH: `${folder}:${process.env["PATH"]}` };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, "list", "--web", ...filters, ...server], {
      env: own,
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "", `opens ${page}\n`]);
    await vi.waitFor(async () => expect(await readFile(opened, "utf8")).toBe(page));
    await rm(folder, { recursive: true, force: true });
  });

  it.runIf(isLinux)(`prints the address where there is nothing that opens it${onLinux}`, () => {
    const args = [program, "list", "--web", ...filters, ...server];
    const { status, stdout } = spawnSync(process.execPath, args, { env: { ...env, PATH: "" }, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, `${page}\n`]);
  });

  it("is refused beside an output", () => {
    const id = "01a22d14-36b2-7fbd-a72d-0a7e8abfeab1";
    const { status, stderr } = run("get", id, "labels", "--web", ...server);
    expect([status, stderr]).toEqual([2, "error: get: --web opens the job's page: leave labels out\n"]);
  });
});

describe("files that the command line names", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countenance-files-"));
    await writeFile(join(folder, "bad.json"), '{\n  "input": {\n    "store": nope,\n  }\n}\n');
    await writeFile(join(folder, "list.json"), "[1]");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    [["submit", "absent.json"], "absent.json: no such file or directory"],
    [["submit", "."], ".: there is no JPEG, PNG or WebP picture among its 2 files (.jpg, .jpeg, .png, .webp)"],
    [["submit", "bad.json"], "bad.json:3:14: not JSON from here on"],
    [["submit", "list.json"], "list.json: the manifest must be a JSON object"],
    [["score", ".", "--out", "list.json"], "list.json: file already exists"],
    [["score", ".", "--out", "list.json/out"], "list.json/out: not a directory"],
  ])("%j: the place and the reason, no stack", (words, finding) => {
    const key = words[0] === "score" ? [] : ["--url", "http://127.0.0.1:1", "--key", "k"];
    const { status, stderr } = spawnSync(process.execPath, [program, ...words, ...key], {
      cwd: folder,
      encoding: "utf8",
    });
    // A folder for outputs is named in full.
    expect([status, stderr.replaceAll(`${folder}/`, "")]).toEqual([2, `error: ${finding}\n`]);
  });
});

describe("a reader that leaves early", () => {
  it("is no fault: the program ends without a word", () => {
    const script = `"$0" "$1" bench --seconds 0.05 --json | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, program], { env, encoding: "utf8" });
    expect([stdout, stderr]).toEqual(["0\n", ""]);
  });
});

describe("what does not go to a terminal", () => {
  it.each([[["--help"]], [["key", "create", "--help"]], [[]], [["bench", "--engine", "x"]], [["nonsense"]]])(
    "%j is plain text",
    (words) => {
      const { stdout, stderr } = run(...words);
      expect(`${stdout}${stderr}`).toMatch(/countenance|key create/);
      // oxlint-disable-next-line no-control-regex -- what a terminal takes for a color
      expect(`${stdout}${stderr}`).not.toMatch(/\u001b| $/m);
    },
  );

  it("names its version", () => {
    expect(run("--version")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe("bench", () => {
  it("says how many faces per second this machine scores, and with what", () => {
    const { status, stdout } = run("bench", "--seconds", "0.05", "--json");
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      model: expect.stringMatching(/^deep-emotion@\d+$/),
      facesPerSecond: expect.any(Number),
    });
    expect(result["engine"]).toMatch(/^fused-wasm/);
    expect(Math.max(...(result["rounds"] as number[]))).toBe(result["facesPerSecond"]);
    expect(result["facesPerSecond"]).toBeGreaterThan(0);
    expect(run("bench", "--seconds", "0.05").stdout).toMatch(/^[\d,]+ faces per second: deep-emotion@\d+ on /);
  });

  it("refuses lengths and models that there are none of", () => {
    expect([run("bench", "--seconds", "never").status, run("bench", "--model", "x@9").status]).toEqual([2, 2]);
  });
});
