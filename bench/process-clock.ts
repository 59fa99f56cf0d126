/** CPU time of other processes, from Linux's /proc. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process or thread has ended since it was listed.
    return "";
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** All processes that `pid` started, and what those started. */
export function listDescendants(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  const children = listFolder(folder).flatMap((task) =>
    readOrEmpty(join(folder, task, "children"))
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
  return children.flatMap((child) => [child, ...listDescendants(child)]);
}

/** Descendants of this process whose program is workerd. */
export function listWorkerdProcesses(): number[] {
  return listDescendants(process.pid).filter((pid) => readOrEmpty(`/proc/${pid}/comm`).trim() === "workerd");
}

/** Milliseconds of CPU of all living threads of `pids`, to the microsecond. */
export function readThreadClock(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    const folder = `/proc/${pid}/task`;
    for (const task of listFolder(folder)) {
      nanoseconds += Number(readOrEmpty(join(folder, task, "schedstat")).split(" ")[0] ?? 0);
    }
  }
  return nanoseconds / 1e6;
}

/** Milliseconds of CPU of `pids`, ended threads too, to the hundredth of a second: proc(5), fields 14 and 15 of stat. */
export function readProcessClock(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    // The name, in brackets, may hold spaces.
    const fields = readOrEmpty(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}
