/** The previous run: its frozen input and its records, as long as they exist. Without them everything is scored. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { JobSpec } from "../job/job-spec.ts";
import { isEnded } from "../job/job-status.ts";
import type { MergeProgress } from "../job/merge-range.ts";
import { dataFolder, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { type MeteredStore, meterStore } from "../../storage/metered-store.ts";
import { parsePart } from "../records/record-line.ts";
import { groupByInput } from "../records/record-groups.ts";
import { readObject } from "../../storage/read-object.ts";
import type { ScoreRecord } from "../records/records.ts";

/** What reading another run works with. */
export interface PriorRunDeps {
  openJob(jobId: string): Pick<JobCoordinator, "read" | "listChunks">;
  openStore(name: string): ObjectStore;
  readonly limits: Limits;
}

/** An ended job of the same schedule. */
export interface PriorRun {
  readonly spec: JobSpec;
  /** Inputs of its frozen manifest. */
  readonly listed: number;
  /** Holds its parts and its frozen input, under `folder`; counts what is asked of it. */
  readonly store: MeteredStore;
  readonly folder: string;
  /** Of a data set; absent: the frozen input is one list. */
  readonly merge?: MergeProgress | undefined;
  /** Calls to the store and the coordinator so far, each a subrequest. */
  calls(): number;
  /** Records of the inputs with these positions, by position; what cannot be found is left out. */
  readRecords(positions: readonly number[]): Promise<PriorRecords>;
}

/** Records of one run by the position of their input; several with `faces: "all"`. */
export type PriorRecords = ReadonlyMap<number, readonly ScoreRecord[]>;

/** The run before `spec`; `null` if there is none, or it was deleted, or the key may not read it. */
export async function openPriorRun(deps: PriorRunDeps, spec: JobSpec): Promise<PriorRun | null> {
  const previousJobId = spec.schedule?.previousJobId ?? null;
  if (previousJobId === null) return null;
  const job = deps.openJob(previousJobId);
  const known = await job.read();
  if (known === null || !isEnded(known.state.status)) return null;
  const { output, faces, limits: own } = known.spec.manifest;
  const store = openOutputs(deps, output.store);
  if (store === null) return null;
  const folder = dataFolder(output, previousJobId, known.state.generation);
  const { limits } = deps;
  let lists = 0;
  return {
    spec: known.spec,
    listed: known.state.listed,
    store,
    folder,
    merge: known.state.merge,
    calls() {
      const { reads, writes } = store.operations();
      return lists + reads + writes;
    },
    async readRecords(positions) {
      const byPosition = new Map<number, readonly ScoreRecord[]>();
      const wanted = new Set(positions);
      if (wanted.size === 0) return byPosition;
      const last = Math.max(...wanted);
      // The chunk that holds the first position may begin this far before it.
      let from = Math.max(0, Math.min(...wanted) - own.chunkSize + 1);
      for (;;) {
        lists += 1;
        const rows = await job.listChunks(from, limits.maxChunksPerFinalizeStep);
        for (const row of rows) {
          from = row.first + row.count;
          if (row.result === null || !holdsAny(row, wanted)) continue;
          const part = await readIfAllowed(store, partKey(folder, row.id), limits.maxPartBytes);
          if (part === null) continue;
          for (const [at, records] of groupByInput(parsePart(part), faces).entries()) {
            if (wanted.has(row.first + at)) byPosition.set(row.first + at, records);
          }
        }
        if (rows.length < limits.maxChunksPerFinalizeStep || from > last) return byPosition;
      }
    },
  };
}

function holdsAny({ first, count }: { first: number; count: number }, wanted: ReadonlySet<number>): boolean {
  for (let position = first; position < first + count; position++) if (wanted.has(position)) return true;
  return false;
}

function openOutputs(deps: PriorRunDeps, name: string): MeteredStore | null {
  try {
    return meterStore(deps.openStore(name));
  } catch (error) {
    // The store is no longer configured: the previous run is out of reach, but this one is not.
    if (error instanceof ScoringError && error.code === "unknown_store") return null;
    throw error;
  }
}

/** The object, or `null` if it is gone or the key's grants no longer reach it. */
export async function readIfAllowed(store: ObjectStore, key: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    return await readObject(store, key, maxBytes);
  } catch (error) {
    if (error instanceof ScoringError && error.code === "forbidden") return null;
    throw error;
  }
}
