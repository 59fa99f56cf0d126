/** Rows of one job in memory: for the local runner and for simulations. The same contract as the SQLite rows. */

import type { ArrivedInput } from "../manifest/input-spec.ts";
import type { JobEventRow, JobRows } from "./job-rows.ts";
import type { Notice } from "./notice.ts";
import type { JobSpec } from "./job-spec.ts";
import type { RangeRow } from "./range-row.ts";
import type { JobState } from "./job-state.ts";
import type { ChunkRow } from "./chunk-row.ts";

/** Order of input; halves of a split chunk follow each other by their first input. */
function byFirst(a: ChunkRow, b: ChunkRow): number {
  return a.first - b.first;
}

/** An empty table. */
export function createMemoryRows(): JobRows {
  let state: JobState | null = null;
  let spec: JobSpec | null = null;
  let checkpoint: string | null = null;
  let notice: Notice | null = null;
  let clientSecret: string | null = null;
  const chunks = new Map<string, ChunkRow>();
  let staged: readonly ChunkRow[] = [];
  const ranges = { scan: new Map<number, RangeRow>(), merge: new Map<number, RangeRow>() };
  const arrivals = new Map<number, readonly ArrivedInput[]>();
  const known = new Set<string>();
  const pages: string[] = [];
  let events: JobEventRow[] = [];
  let lastEvent = 0;
  return {
    transaction: (body) => body(),
    readState: () => state,
    writeState: (next) => {
      state = next;
    },
    readSpec: () => spec,
    writeSpec: (next) => {
      spec = next;
    },
    readCheckpoint: () => checkpoint,
    writeCheckpoint: (text) => {
      checkpoint = text;
    },
    readNotice: () => notice,
    writeNotice: (next) => {
      notice = next;
    },
    readChunk: (id) => chunks.get(id) ?? null,
    writeChunk: (chunk) => {
      chunks.set(chunk.id, chunk);
    },
    takePending: (limit, dueMs) => {
      const taken = [...chunks.values()]
        .filter((chunk) => chunk.status === "pending")
        .sort(byFirst)
        .slice(0, limit);
      for (const chunk of taken) chunks.set(chunk.id, { ...chunk, status: "queued", dueMs });
      return taken.map((chunk) => chunk.id);
    },
    findOffer: (status) => {
      const rows = [...chunks.values()].filter((row) => row.status === status).sort(byFirst);
      return (status === "pending" ? rows[0] : rows.findLast(({ attempt }) => attempt === 0)) ?? null;
    },
    readClientSecret: () => clientSecret,
    writeClientSecret: (secret) => {
      clientSecret = secret;
    },
    listDue: (nowMs, limit) =>
      [...chunks.values()]
        .filter((chunk) => (chunk.status === "queued" || chunk.status === "leased") && chunk.dueMs <= nowMs)
        .sort((a, b) => a.dueMs - b.dueMs)
        .slice(0, limit),
    listChunks: (fromIndex, limit) =>
      [...chunks.values()]
        .filter((chunk) => chunk.status !== "split" && chunk.first >= fromIndex)
        .sort(byFirst)
        .slice(0, limit),
    stageChunks: (rows) => {
      staged = [...staged, ...rows];
    },
    clearStagedChunks: () => {
      staged = [];
    },
    mergeStagedChunks: () => {
      for (const chunk of staged) chunks.set(chunk.id, chunk);
      staged = [];
    },
    adoptStagedChunks: () => {
      chunks.clear();
      for (const chunk of staged) chunks.set(chunk.id, chunk);
      staged = [];
    },
    readRange: (phase, number) => ranges[phase].get(number) ?? null,
    writeRange: (phase, range) => {
      ranges[phase].set(range.number, range);
    },
    listDueRanges: (phase, nowMs, limit) =>
      [...ranges[phase].values()]
        .filter(({ task }) => (task.status === "sent" || task.status === "leased") && task.dueMs <= nowMs)
        .sort((a, b) => a.task.dueMs - b.task.dueMs)
        .slice(0, limit),
    listUnknownArrivals: (names) => names.filter((name) => !known.has(name)),
    addArrivals: (first, inputs, names) => {
      arrivals.set(first, inputs);
      for (const name of names) known.add(name);
    },
    findBatchEnd: (from, maxInputs, maxLength) => {
      let end = from;
      let length = 0;
      for (const [first, inputs] of arrivals) {
        if (first < from) continue;
        length += JSON.stringify(inputs).length;
        if (end > from && (first + inputs.length - from > maxInputs || length > maxLength)) break;
        end = first + inputs.length;
      }
      return end;
    },
    readArrivals: (from, end) => [...arrivals].flatMap(([at, inputs]) => (at >= from && at < end ? inputs : [])),
    dropArrivals: (before) => {
      if (before === null) known.clear();
      for (const at of arrivals.keys()) if (before === null || at < before) arrivals.delete(at);
    },
    listPages: (skip, limit) => pages.slice(skip, skip + limit),
    addPages: (keys) => {
      pages.push(...keys);
    },
    appendEvent: (type, atMs, data, keep) => {
      lastEvent += 1;
      events = [...events, { id: lastEvent, type, atMs, data }].slice(-keep);
      return lastEvent;
    },
    listEvents: (afterId, limit) => events.filter((event) => event.id > afterId).slice(0, limit),
  };
}
