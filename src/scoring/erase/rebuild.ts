/** Building a new generation of a job's outputs without the targets: first the parts, then everything that is merged from them. */

import { ScoringError } from "../../errors.ts";
import { labelsOf } from "../job/job-spec.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { type MergeState, openMerge } from "../finalize/finalize-merge.ts";
import type { FinalizeContext } from "../finalize/finalize-context.ts";
import { readPieces } from "../finalize/finalize-pieces.ts";
import { writeReports } from "../finalize/finalize-reports.ts";
import { type FinalizeDeps, readReportedCard } from "../finalize/finalize-deps.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { carryKey, jobFolder, OUTPUT_NAMES, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { formatPiece, type MergePiece } from "../finalize/merge-piece.ts";
import { UPLOAD_SPOILED } from "../outputs/merged-output.ts";
import { serializeRecords } from "../records/record-line.ts";
import { describePart } from "../chunk/part.ts";
import { groupByInput } from "../records/record-groups.ts";
import type { FaceMode } from "../records/face-mode.ts";
import { readObject } from "../../storage/read-object.ts";
import { digestHex } from "../sha256.ts";
import { type ComparisonState, openComparison } from "../prior/compare-run.ts";
import { parseStored } from "../stored-json.ts";
import type { EraseReport, Eraser, EraseTicket } from "./eraser-port.ts";
import { subtract } from "../job/erasure.ts";
import type { EraseTarget, Removed } from "../job/erasure-state.ts";
import { createInputCursor } from "../inputs/input-cursor.ts";
import { addRemoved, countRemoved, NOTHING } from "./removed.ts";
import { isTarget } from "./search-input.ts";
import { scrubSpec, scrubState } from "../job/scrub.ts";

/** What one rebuilding step leaves for the next. */
interface Carry {
  /** The first input that has not been looked at: its index in the old generation, and its byte in the old `input.jsonl`. */
  readonly nextIndex: number;
  readonly offset: number;
  /** Inputs of the new generation so far. */
  readonly kept: number;
  readonly removed: Removed;
  readonly restarts: number;
  readonly merge: MergeState | null;
  readonly comparison: ComparisonState | null;
}

const FRESH: Carry = {
  nextIndex: 0,
  offset: 0,
  kept: 0,
  removed: NOTHING,
  restarts: 0,
  merge: null,
  comparison: null,
};

/** Runs one rebuilding step. */
export async function rebuildOutputs(
  deps: FinalizeDeps,
  store: ObjectStore,
  job: Pick<Eraser, "listChunks">,
  ticket: EraseTicket,
  carryFrom: string | null,
): Promise<EraseReport> {
  const { spec, state, erasure, step, attempt } = ticket;
  const { limits } = deps;
  const { prefix } = spec.manifest.output;
  const oldFolder = jobFolder(prefix, spec.id, state.generation);
  const folder = jobFolder(prefix, spec.id, erasure.generation);
  const carry = carryFrom === null ? FRESH : await readCarry(store, carryFrom, limits);
  const context: FinalizeContext = {
    store,
    folder,
    spec: scrubSpec(spec, erasure.targets),
    limits,
    state,
    card: await readReportedCard(deps, spec),
    generation: { number: erasure.generation, replaces: state.generation ?? 0 },
  };
  const saveCarry = async (next: Carry): Promise<EraseReport["outcome"]> => {
    const key = carryKey(folder, "state", step, attempt);
    await store.put(key, JSON.stringify(next));
    return { kind: "next", progress: { kind: "rebuild", carry: key } };
  };
  const merge = await openMerge(context, carry.merge);
  // The comparison of a schedule's run with earlier runs is made again, from what is left of them.
  const comparison = await openComparison(deps, spec, carry.comparison);
  const windowBytes = Math.max(limits.plan.windowBytes, limits.plan.maxLineBytes);
  const inputs = createInputCursor(store, `${oldFolder}${OUTPUT_NAMES.input}`, carry.offset, windowBytes);
  const rows = await job.listChunks(carry.nextIndex, limits.maxChunksPerFinalizeStep);
  const source = {
    store,
    folder: oldFolder,
    spec,
    limits,
    verdict: state.verdict ?? ("completed" as const),
    readItems: (chunk: ChunkRow) => inputs.take(chunk.count),
  };
  const staged: ChunkRow[] = [];
  let { nextIndex, kept, removed } = carry;
  for await (const piece of readPieces(source, rows)) {
    nextIndex = piece.chunk.first + piece.chunk.count;
    const less = await removeTargets(piece, erasure.targets, kept, spec.manifest.faces, labelsOf(spec));
    removed = addRemoved(removed, less.removed);
    if (less.piece === null) continue;
    kept += less.piece.chunk.count;
    if (less.piece.body !== null) {
      await store.put(partKey(folder, piece.chunk.id), less.piece.body, { contentType: "application/x-ndjson" });
    }
    staged.push(less.piece.chunk);
    await merge.add(formatPiece(less.piece, { ...merge.format, keepsPiece: true }));
    await comparison.add(less.piece);
  }
  const report = { step, attempt, staged, restaged: carry.merge === null };
  if (rows.length === limits.maxChunksPerFinalizeStep) {
    const saved = await merge.save((name) => carryKey(folder, name, step, attempt));
    const [{ restarts }, { offset }] = [carry, inputs];
    const folds = { merge: saved, comparison: comparison.save() };
    return { ...report, outcome: await saveCarry({ nextIndex, offset, kept, removed, restarts, ...folds }) };
  }
  try {
    const written = await merge.finish();
    const lighter = scrubState(subtract(state, removed), erasure.targets);
    const drift = await comparison.finish(merge.summary());
    written.push(...(await writeReports(deps, { ...context, state: lighter }, merge.summary(), state.status, drift)));
    await merge.close(written);
  } catch (error) {
    if (!(error instanceof ScoringError) || error.detail !== UPLOAD_SPOILED) throw error;
    if (carry.restarts >= limits.maxFinalizeRestarts) throw new ScoringError("output_conflict", UPLOAD_SPOILED);
    return { ...report, outcome: await saveCarry({ ...FRESH, restarts: carry.restarts + 1 }) };
  }
  return { ...report, outcome: { kind: "rebuilt", removed } };
}

async function readCarry(store: ObjectStore, key: string, limits: Limits): Promise<Carry> {
  const bytes = await readObject(store, key, limits.maxCarryBytes);
  if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
  return parseStored<Carry>(new TextDecoder().decode(bytes));
}

/** A piece without the targets, its inputs counted from `first`; `null` if nothing is left of it. */
async function removeTargets(
  piece: MergePiece,
  targets: readonly EraseTarget[],
  first: number,
  faces: FaceMode,
  labelSet: readonly string[],
): Promise<{ readonly piece: MergePiece | null; readonly removed: Removed }> {
  const goes = piece.items.map((item) => isTarget(item, targets));
  const gone = piece.items.filter((_, at) => goes[at]);
  const items = piece.items.filter((_, at) => !goes[at]).map((item, at) => ({ ...item, index: first + at }));
  const inputs = groupByInput(piece.records, faces);
  const goneRecords = inputs.filter((_, at) => goes[at]).flat();
  const records = inputs.filter((_, at) => !goes[at]).flat();
  const removed = countRemoved(gone, goneRecords, faces, labelSet);
  if (items.length === 0) return { piece: null, removed };
  const chunk: ChunkRow = { ...piece.chunk, first, count: items.length };
  if (gone.length === 0 || piece.body === null || chunk.result === null) {
    return { piece: { ...piece, chunk, items, records }, removed };
  }
  const body = new TextEncoder().encode(serializeRecords(records));
  const { reads, readBytes, engine } = chunk.result;
  const counted = await describePart(
    { bytes: body, records },
    faces,
    { reads, readBytes, engine },
    undefined,
    labelSet,
  );
  const result = { ...chunk.result, ...counted };
  const part = { sha256: await digestHex(body), bytes: body.length };
  return { piece: { chunk: { ...chunk, result }, items, records, body, part }, removed };
}
