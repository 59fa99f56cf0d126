/** The records of an ended job chunk by chunk, in input order: what a page shows of a data set, whose text is compressed. */

import { ScoringError } from "../../errors.ts";
import { readObject } from "../../storage/read-object.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import { isEnded } from "../job/job-status.ts";
import { dataFolder, partKey } from "../keys.ts";
import { groupByInput } from "../records/record-groups.ts";
import { type LatestRecordsDeps, type PlacedLine, placeLines } from "./latest-records.ts";

/** The ports that reading them works with. */
export interface ChunkRecordsDeps extends Omit<LatestRecordsDeps, "openJob"> {
  openJob(jobId: string): Pick<JobCoordinator, "read" | "listChunks">;
}

/** A record with the bytes of its line in the part, and the number of its input. */
export interface ChunkLine extends PlacedLine {
  readonly input: number;
}

/** Records of one chunk; `chunk` is `null` where no chunk with records is left. */
export interface ChunkRecords {
  readonly chunk: string | null;
  readonly records: readonly ChunkLine[];
  /** Where the next chunk begins; `null` at the end. */
  readonly next: number | null;
  /** Where the inputs of the job end. */
  readonly inputs: number;
}

/** Chunks without a part that one request passes over: those that nobody scored have none. */
const MAX_PASSED = 200;

/**
 * The first chunk with a part whose inputs begin at `from` or behind it.
 * @throws ScoringError `not_found`; `conflict` for a job that has not ended
 */
export async function readChunkRecords(deps: ChunkRecordsDeps, jobId: string, from: number): Promise<ChunkRecords> {
  const job = deps.openJob(jobId);
  const known = await job.read();
  if (known === null) throw new ScoringError("not_found", `there is no job ${jobId}`);
  const { state, spec } = known;
  if (!isEnded(state.status)) throw new ScoringError("conflict", `the job is ${state.status}, not ended`);
  const inputs = state.merge?.end ?? state.listed;
  const rows = await job.listChunks(from, MAX_PASSED);
  const row = rows.find(({ result }) => result !== null && result.records > 0);
  const last = row ?? rows.at(-1);
  const end = last === undefined ? inputs : last.first + last.count;
  const next = rows.length === 0 || end >= inputs ? null : end;
  if (row === undefined) return { chunk: null, records: [], next, inputs };
  const { output, faces } = spec.manifest;
  const key = partKey(dataFolder(output, jobId, state.generation), row.id);
  const body = await readObject(deps.openStore(output.store), key, deps.limits.maxPartBytes);
  if (body === null) throw new ScoringError("not_found", `${key} is gone`);
  const lines = placeLines(body, 0);
  const groups = groupByInput(
    lines.map(({ record }) => record),
    faces,
  );
  const numbers = groups.flatMap((group, at) => group.map(() => row.first + at));
  const records = lines.map((line, at): ChunkLine => ({ ...line, input: numbers[at] ?? row.first }));
  return { chunk: row.id, records, next, inputs };
}
