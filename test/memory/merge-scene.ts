/** A finalizing step of the largest jobs: every output under way holds a part that is all but full. */

import { LABELS } from "../../src/model/labels.ts";
import { nameProbabilities } from "../../src/scoring/chunk/score-record.ts";
import { deflateSync, inflateSync } from "fflate";
import { z } from "zod";
import type { FinalizeTicket, JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import { createJob } from "../../src/scoring/job/job-machine.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import { makeRules } from "../../src/scoring/job/job-rules.ts";
import type { ChunkRow } from "../../src/scoring/job/chunk-row.ts";
import { emptyOutcomes } from "../../src/scoring/job/outcome-counts.ts";
import { inputPageKey, jobFolder, partKey } from "../../src/scoring/keys.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { serializeRecords } from "../../src/scoring/records/record-line.ts";
import { packState, unpackState } from "../../src/scoring/outputs/saved-state.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { digestHex } from "../../src/scoring/sha256.ts";
import { planChunks } from "../../src/scoring/plan/plan-chunks.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { InputItem } from "../../src/scoring/records/input-item.ts";
import { runFinalizeStep } from "../../src/scoring/finalize/finalize.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";

/** `merge`: a hundred million records, the largest parts. `parquet`: the most records that a Parquet file may have, at its end. */
export type MergeKind = "merge" | "parquet";

const RECORDS = { merge: 100_000_000, parquet: 16_384_000 } as const;
const CHUNK = LIMITS.maxChunkSize;

/** The step, as a process of its own takes it up. */
export interface MergeScene {
  readonly ticket: FinalizeTicket;
  readonly rows: readonly ChunkRow[];
}

/** Writes the parts, runs the step before, and fills what it carried. */
export async function prepareMerge(
  kind: MergeKind,
  makeSpec: (manifest: Record<string, unknown>) => JobSpec,
  { store, readCard }: { readonly store: ObjectStore; readonly readCard: WorkDeps["readCard"] },
): Promise<MergeScene> {
  const spec = makeSpec({ input: { store: "faces", prefix: "in/" }, limits: { chunkSize: CHUNK }, groupBy: ["site"] });
  const folder = jobFolder("out/", spec.id);
  const part = new TextEncoder().encode(serializeRecords(listItems(0).map(makeRecord)));
  const outcomes = { ...emptyOutcomes(), scored: CHUNK / 2, failed: CHUNK / 2 };
  const counted = { outcomes, errors: {}, records: CHUNK, reads: CHUNK, readBytes: 0, engine: "fused-wasm" };
  const result = { ...counted, sha256: await digestHex(part), bytes: part.length };
  const rows: ChunkRow[] = [];
  for (let at = 0; at < 2 * LIMITS.maxChunksPerFinalizeStep - 1; at++) {
    const pageKey = inputPageKey(folder, at, 1);
    const plan = { chunkSize: CHUNK, maxChunkBytes: LIMITS.maxChunkBytes, assumedBytes: 0 };
    const page = planChunks(listItems(at * CHUNK), pageKey, plan);
    const row: ChunkRow = { ...page.chunks[0]!, status: "done", result };
    rows.push(row);
    await store.put(pageKey, page.body);
    await store.put(partKey(folder, row.id), part);
  }

  const records = RECORDS[kind];
  const start = createJob(spec.id, makeRules(spec, LIMITS), spec.createdMs).state;
  const counts = { ...emptyOutcomes(), scored: records / 2, failed: records / 2 };
  const done = { pending: 0, queued: 0, leased: 0, done: records / CHUNK };
  const state = { ...start, status: "finalizing", verdict: "completed", listed: records, records } as const;
  const ticket = { spec, state: { ...state, outcomes: counts, chunks: done }, attempt: 1 };
  const deps = { openJob: readNothing, openStore: () => store, limits: LIMITS, readCard };
  const first = { ...ticket, step: 0, checkpoint: null };
  const { checkpoint } = await runFinalizeStep(deps, asCoordinator({ listChunks: listFrom(rows) }), first);
  await fillCarried(store, checkpoint!, kind);
  return { ticket: { ...ticket, step: 1, checkpoint }, rows };
}

/** The coordinator of that step. */
export function openMergeScene({ ticket, rows }: MergeScene): JobCoordinator {
  return asCoordinator({
    ...readNothing(),
    listChunks: listFrom(rows),
    listOrphans: async () => [],
    beginFinalize: async () => ticket,
    commitFinalize: async () => true,
  });
}

/** There was no run before. */
function readNothing(): Pick<JobCoordinator, "read" | "listChunks"> {
  return { read: async () => null, listChunks: async () => [] };
}

function listFrom(rows: readonly ChunkRow[]): JobCoordinator["listChunks"] {
  return async (from, limit) => rows.filter(({ first }) => first >= from).slice(0, limit);
}

/** Nothing else is asked of it in this step. */
function asCoordinator(job: Partial<JobCoordinator>): JobCoordinator {
  return job as JobCoordinator;
}

function listItems(first: number): readonly InputItem[] {
  return Array.from({ length: CHUNK }, (_, at) => makeItem(first + at));
}

function makeItem(index: number): InputItem {
  // Long keys, as nested folders of camera and day have.
  const key = `in/${"site-0123456789/camera-0123456789/2026/11/25/".repeat(3)}${String(index).padStart(12, "0")}.jpg`;
  return { index, id: key, key, size: 5000, etag: "0123456789abcdef0123456789abcdef", groups: { site: "north" } };
}

function makeRecord({ id, key, etag, groups = {} }: InputItem, index: number): ScoreRecord {
  const common = { id, key, etag, groups, truth: null, model: "deep-emotion@3", pipeline: 1 } as const;
  if (index % 2 === 1) {
    const error = { code: "image_corrupt", message: "the JPEG's data ends in the middle of a scan line" } as const;
    const nothing = { label: null, probabilities: null, margin: null, entropy: null, face: null, quality: null };
    return { ...common, ...nothing, status: "failed", error };
  }
  return {
    ...common,
    status: "scored",
    label: "Happy",
    probabilities: nameProbabilities(LABELS, [0.012345, 0.023456, 0.034567, 0.845678, 0.045678, 0.012345, 0.025931]),
    margin: 0.8,
    entropy: 0.7,
    face: null,
    quality: { brightness: 120.5, contrast: 45.25, side: 256 },
    error: null,
  };
}

const bufferHeader = z.looseObject({ partBytes: z.int() });
const encoderHeader = z.looseObject({ rowGroups: z.int() });

/** As if the job had gone on for days: parts all but full, a Parquet file with the metadata of all its row groups. */
async function fillCarried(store: ObjectStore, checkpoint: string, kind: MergeKind): Promise<void> {
  const folder = checkpoint.slice(0, checkpoint.lastIndexOf("/") + 1);
  const { objects } = await store.list({ prefix: folder });
  for (const { key } of objects) {
    const bytes = (await readObject(store, key, 1e9))!;
    if (key.includes(".buffer")) {
      const { header, bytes: held } = unpackState(bytes, bufferHeader);
      const filled = new Uint8Array(header.partBytes - 100);
      filled.set(held.subarray(0, filled.length));
      await store.put(key, packState(header, filled));
    } else if (kind === "parquet" && key.includes("parquet.encoder")) {
      const { header, bytes: packed } = unpackState(bytes, encoderHeader);
      const lines = new TextDecoder().decode(inflateSync(packed)).split("\n");
      const own = lines.slice(0, header.rowGroups);
      const rowGroups = LIMITS.targetParquetRowGroups - 13;
      const all = Array.from({ length: rowGroups }, (_, at) => own[at % own.length]);
      const text = [...all, ...lines.slice(header.rowGroups)].join("\n");
      const filled = deflateSync(new TextEncoder().encode(text), { level: 1 });
      await store.put(key, packState({ ...header, rowGroups }, filled));
    }
  }
}
