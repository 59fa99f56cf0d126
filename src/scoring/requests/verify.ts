/**
 * Scores a sample of a finished job again, with the reference engine, and compares: the parts with the hashes that their
 * chunks reported, the model with the one the job was locked to, the probabilities within the tolerance of every engine.
 */

import { chooseScorer, makeChunkOptions } from "../chunk/chunk-options.ts";
import type { LendScorer } from "../chunk/scorer.ts";
import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { scoreChunk } from "../chunk/score-chunk.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import { readInputs } from "../inputs/job-inputs.ts";
import { isEnded } from "../job/job-status.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import { guardStore } from "../access/guarded-store.ts";
import { dataFolder, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { parsePart } from "../records/record-line.ts";
import { groupByInput } from "../records/record-groups.ts";
import { readObject } from "../../storage/read-object.ts";
import { digestHex } from "../sha256.ts";
import { probabilityOf, type ScoreRecord } from "../records/records.ts";
import { ENGINE_TOLERANCE, isSameLabel } from "../records/engine-agreement.ts";

/** What verification needs from the deployment. */
export interface VerifyDeps {
  openStore(name: string): ObjectStore;
  /** Lends scorers on the reference engine. */
  readonly withReference: LendScorer;
  /** SHA-256 of the weights that the registry now has. */
  readModelSha256(model: string): Promise<string>;
  readonly limits: Limits;
}

/** One record that differs. */
export interface Disagreement {
  readonly id: string;
  readonly was: Pick<ScoreRecord, "status" | "label">;
  readonly is: Pick<ScoreRecord, "status" | "label">;
  /** Largest difference of a probability; `null` where one of the two has none. */
  readonly difference: number | null;
}

/** The outcome of a verification. */
export interface Verification {
  readonly model: string;
  /** False if the registry now has other weights under the same name, or another face finder. */
  readonly modelUnchanged: boolean;
  /** Engine of the second scoring. */
  readonly engine: string;
  /** Records compared, equal ones, and those whose object has been deleted or changed since. */
  readonly compared: number;
  readonly agreed: number;
  readonly unavailable: number;
  /** Parts of the sample that are not what their chunk wrote. */
  readonly damagedParts: readonly string[];
  readonly maxDifference: number;
  readonly disagreements: readonly Disagreement[];
  readonly passed: boolean;
}

/** Chunks that a sample is taken from. */
const SAMPLE_CHUNKS = 8;
const MAX_LISTED = 50;

/**
 * Verifies about `sample` inputs, spread over the whole job, and the same each time.
 * @throws ScoringError `not_found`, `conflict` for a job that has not ended
 */
export async function verifyJob(deps: VerifyDeps, job: JobCoordinator, sample: number): Promise<Verification> {
  const known = await job.read();
  if (known === null) throw new ScoringError("not_found", "the job does not exist");
  const { spec, state } = known;
  if (!isEnded(state.status)) throw new ScoringError("conflict", `the job is ${state.status}, not ended`);
  const chunks = await chooseChunks(job, state.merge?.end ?? state.listed);
  const share = Math.max(1, Math.ceil(sample / Math.max(1, chunks.length)));
  const { manifest } = spec;
  const output = deps.openStore(manifest.output.store);
  // The frozen list can be overwritten by whoever may upload there: so it opens nothing that the job's key may not read.
  const inputName = manifest.input.store;
  const input = guardStore(deps.openStore(inputName), inputName, spec.owner?.grants ?? null);
  const folder = dataFolder(manifest.output, spec.id, state.generation);
  const inputs = { store: output, folder, merge: state.merge };
  const options = chooseScorer(spec);
  return deps.withReference(async (open) => {
    const scorer = await open(options);
    const tally = createTally();
    for (const chunk of chunks) {
      const bytes = await readObject(output, partKey(folder, chunk.id), deps.limits.maxPartBytes);
      if (bytes === null || (await digestHex(bytes)) !== chunk.result?.sha256) {
        tally.damagedParts.push(chunk.id);
        continue;
      }
      const records = parsePart(bytes);
      const items = await readInputs(inputs, chunk.first, chunk.count, deps.limits.plan.maxLineBytes);
      const chosen = spread(items, share);
      const chunkOptions = makeChunkOptions(spec, deps.limits, "record");
      const again = await scoreChunk({ store: input, ...scorer }, chosen, chunkOptions);
      const before = groupByInput(records, manifest.faces);
      const byItem = new Map(items.map((item, at) => [item, before[at]]));
      for (const [at, after] of groupByInput(again.records, manifest.faces).entries()) {
        const was = byItem.get(chosen[at]!);
        for (const [face, is] of after.entries()) compareRecords(was?.[face], is, tally);
      }
    }
    const finderUnchanged = !options.findsFaces || scorer.finder?.name === spec.faceFinder;
    const modelUnchanged = finderUnchanged && (await deps.readModelSha256(spec.model)) === spec.modelSha256;
    const passed = modelUnchanged && tally.damagedParts.length === 0 && tally.agreed === tally.compared;
    const { engine } = scorer.classifier;
    return { model: spec.model, modelUnchanged, engine, ...tally, passed };
  });
}

/** Finished chunks spread over the job. */
async function chooseChunks(job: JobCoordinator, listed: number): Promise<readonly ChunkRow[]> {
  const chosen = new Map<string, ChunkRow>();
  for (let i = 0; i < SAMPLE_CHUNKS; i++) {
    const rows = await job.listChunks(Math.floor((i * listed) / SAMPLE_CHUNKS), SAMPLE_CHUNKS);
    const done = rows.find((row) => row.status === "done" && !chosen.has(row.id));
    if (done !== undefined) chosen.set(done.id, done);
  }
  return [...chosen.values()];
}

function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

function createTally() {
  const damagedParts: string[] = [];
  const disagreements: Disagreement[] = [];
  return { compared: 0, agreed: 0, unavailable: 0, damagedParts, maxDifference: 0, disagreements };
}

/** Counts one comparison. */
export function compareRecords(
  was: ScoreRecord | undefined,
  is: ScoreRecord,
  tally: ReturnType<typeof createTally>,
): void {
  if (is.error?.code === "object_missing" || is.error?.code === "object_changed") {
    if (was?.error?.code !== is.error.code) {
      tally.unavailable += 1;
      return;
    }
  }
  tally.compared += 1;
  const difference = measureDifference(was, is);
  if (difference !== null) tally.maxDifference = Math.max(tally.maxDifference, difference);
  const sameStatus = was?.status === is.status && was.error?.code === is.error?.code;
  const sameLabel = was !== undefined && isSameLabel(was, is);
  if (sameStatus && sameLabel && (difference ?? 0) <= ENGINE_TOLERANCE) {
    tally.agreed += 1;
  } else if (tally.disagreements.length < MAX_LISTED) {
    const before = { status: was?.status ?? "failed", label: was?.label ?? null };
    tally.disagreements.push({ id: is.id, was: before, is: { status: is.status, label: is.label }, difference });
  }
}

function measureDifference(was: ScoreRecord | undefined, is: ScoreRecord): number | null {
  if (!was?.probabilities || is.probabilities === null) return null;
  // Another label is as far away as can be.
  return Math.max(
    ...Object.entries(is.probabilities).map(([label, p]) => Math.abs(p - (probabilityOf(was, label) ?? 2))),
  );
}
