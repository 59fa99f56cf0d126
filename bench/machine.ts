/** Where a run took place, and keeping it on one core. */

import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Facts that a table without would mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly pinnedTo: number | null;
  /** Runnable processes in the last minute, when the run began: above the number of cores, others took part. */
  readonly load: number;
  readonly commit: string;
}

const PINNED = "COUNTENANCE_BENCH_CORE";

/** Starts this program again on the last core, where the system can; returns its exit status, `null` if already pinned or not able. */
export function repeatPinned(): number | null {
  if (process.platform !== "linux" || process.env[PINNED] !== undefined) return null;
  const core = String(cpus().length - 1);
  if (spawnSync("taskset", ["-c", core, "true"]).status !== 0) return null;
  const { status } = spawnSync("taskset", ["-c", core, process.execPath, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [PINNED]: core },
  });
  return status ?? 1;
}

/** Runs a program of this folder on these cores, whatever this one is pinned to; its standard output. */
export async function runOnCores(cores: readonly number[], program: string, args: readonly string[]): Promise<string> {
  const command = [process.execPath, join(import.meta.dirname, program), ...args];
  const pin = process.platform === "linux" ? ["taskset", "-c", cores.join(",")] : [];
  const [first = "", ...rest] = [...pin, ...command];
  return (await promisify(execFile)(first, rest)).stdout;
}

function runGit(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
}

/** The machine, the runtime and the commit (with `+` where files differ from it). */
export function describeMachine(): Machine {
  const changed = runGit("status", "--porcelain", "--untracked-files=no", "--", "../src", ".") !== "";
  const core = process.env[PINNED];
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    pinnedTo: core === undefined ? null : Number(core),
    load: loadavg()[0] ?? 0,
    commit: runGit("rev-parse", "--short", "HEAD") + (changed ? "+" : ""),
  };
}
