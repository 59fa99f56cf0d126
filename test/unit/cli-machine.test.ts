import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** What the command line does without a server: completion for shells, and how fast this machine is. */

const root = join(import.meta.dirname, "../..");

function run(...args: string[]) {
  return spawnSync(process.execPath, [join(root, "cli/countenance.ts"), ...args], { cwd: root, encoding: "utf8" });
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

describe("bench", () => {
  it("says how many faces a second this machine scores, and with what", () => {
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
    expect(run("bench", "--seconds", "0.05").stdout).toMatch(/^[\d,]+ faces a second: deep-emotion@\d+ on /);
  });

  it("refuses lengths and models that there are none of", () => {
    expect([run("bench", "--seconds", "never").status, run("bench", "--model", "x@9").status]).toEqual([2, 2]);
  });
});
