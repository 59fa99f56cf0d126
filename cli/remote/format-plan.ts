import type { DryRun } from "../../src/scoring/requests/dry-run.ts";
import { formatDuration } from "../label-table.ts";

/** `3.4 MB`; decimal, as stores bill. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

const formatDollars = (dollars: number): string => (dollars < 0.01 ? dollars.toFixed(4) : dollars.toFixed(2));

const count = (value: number): string => value.toLocaleString("en-US");

/** What a job would do and cost, a line for each. */
export function formatPlan({ objects, bytes, chunks, complete, estimate, egressDollars }: DryRun): readonly string[] {
  const { cpuMs, operations, dollars } = estimate;
  const rows: readonly (readonly [name: string, value: string])[] = [
    [
      "reads",
      `${count(objects)} objects, ${formatBytes(bytes)}${complete ? "" : " (and more: only the beginning was listed)"}`,
    ],
    ["takes", `${count(chunks)} chunks, ${formatDuration(cpuMs)} of CPU`],
    ["store", `${count(operations.classB)} reads, ${count(operations.classA)} writes and listings`],
    [
      "platform",
      `${count(operations.queue)} queue operations, ${count(operations.durableObject)} calls of Durable Objects, ${count(operations.rowsWritten)} rows`,
    ],
    [
      "costs",
      `about $${formatDollars(dollars)} on Cloudflare${objects === 0 ? "" : `, $${formatDollars((dollars / objects) * 1e6)} for a million such inputs`}`,
    ],
    ...(egressDollars === undefined
      ? []
      : [
          [
            "egress",
            `about $${formatDollars(egressDollars)}, which the store bills for reading it from outside`,
          ] as const,
        ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(9)} ${value}`);
}
