/** Memory of other processes, from Linux's /proc. */

import { readFileSync } from "node:fs";

function sumStatus(pids: readonly number[], field: "VmRSS" | "VmHWM"): number {
  return pids.reduce((sum, pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return sum + 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  }, 0);
}

/** Memory that the processes hold now, together, bytes: proc(5), VmRSS. */
export function readResidentBytes(pids: readonly number[]): number {
  return sumStatus(pids, "VmRSS");
}

/** Most memory that each of the processes held at once, together, bytes: proc(5), VmHWM. */
export function readPeakBytes(pids: readonly number[]): number {
  return sumStatus(pids, "VmHWM");
}
