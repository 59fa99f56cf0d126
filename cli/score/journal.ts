import { appendFileSync, closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";

/** Everything that changes rows, but for events, which nobody reads of a local run. */
const WRITES = [
  "writeState",
  "writeSpec",
  "writeCheckpoint",
  "writeChunk",
  "takePending",
  "stageChunks",
  "clearStagedChunks",
  "adoptStagedChunks",
  "addPages",
] as const satisfies readonly (keyof JobRows)[];

type Write = readonly [method: (typeof WRITES)[number], ...args: readonly unknown[]];

/** Rows that outlive their process, however it ends. */
export interface Journal {
  readonly rows: JobRows;
  close(): void;
}

/**
 * Rows in memory whose writes are lines of a file as well, a line a transaction: what a kill tears is its last line, and with it one
 * transaction as a whole. What lies in the file already is done again first.
 * @param path of a file whose first line is its maker's
 */
export function openJournal(path: string): Journal {
  const memory = createMemoryRows();
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  for (const line of whole.split("\n").slice(1, -1)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this file writes
    for (const [method, ...args] of JSON.parse(line) as readonly Write[]) Reflect.apply(memory[method], memory, args);
  }
  const file = openSync(path, "r+");
  ftruncateSync(file, Buffer.byteLength(whole));
  let at = Buffer.byteLength(whole);
  let depth = 0;
  let writes: Write[] = [];
  let isClosed = false;

  function flush(): void {
    // What still runs when the run has ended changes nothing any more, and its descriptor may be another file's by now.
    if (writes.length === 0 || isClosed) return;
    const line = Buffer.from(`${JSON.stringify(writes)}\n`);
    writes = [];
    for (let written = 0; written < line.length;)
      written += writeSync(file, line, written, line.length - written, at + written);
    at += line.length;
  }

  const noted = Object.fromEntries(
    WRITES.map((method) => [
      method,
      (...args: readonly unknown[]): unknown => {
        writes.push([method, ...args]);
        const result: unknown = Reflect.apply(memory[method], memory, args);
        if (depth === 0) flush();
        return result;
      },
    ]),
  );
  const rows: JobRows = {
    ...memory,
    ...noted,
    transaction(body) {
      depth += 1;
      try {
        return body();
      } finally {
        depth -= 1;
        if (depth === 0) flush();
      }
    },
  };
  return {
    rows,
    close() {
      isClosed = true;
      closeSync(file);
    },
  };
}

/** Makes the file of a journal. @param header one line of JSON, for whoever finds it */
export function makeJournal(path: string, header: unknown): void {
  appendFileSync(path, `${JSON.stringify(header)}\n`, { flag: "ax" });
}

/** The header of a journal's file. */
export function readHeader(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8").split("\n", 1)[0] ?? "");
}
