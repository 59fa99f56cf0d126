/** The records that a running job made last: what its page shows while the outputs are not there yet. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readBody } from "../../storage/read-body.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import { isEnded } from "../job/job-status.ts";
import { dataFolder, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { parseRecord } from "../records/record-line.ts";
import type { ScoreRecord } from "../records/records.ts";

/** The ports that reading them works with. */
export interface LatestRecordsDeps {
  openJob(jobId: string): Pick<JobCoordinator, "read">;
  openStore(name: string): ObjectStore;
  readonly limits: Limits;
}

/** A record with the bytes of its line in the part of its chunk. */
export interface PlacedLine {
  readonly record: ScoreRecord;
  readonly at: number;
  readonly length: number;
}

/** Records of one chunk, newest first; `chunk` is `null` before the first chunk was finished, and once the job has ended. */
export interface LatestRecords {
  readonly chunk: string | null;
  readonly records: readonly PlacedLine[];
}

/** Bytes per record that are read from the end of a part; a longer record is left out. */
const BYTES_PER_RECORD = 2048;

/** The last records of the chunk that was finished last. @throws ScoringError `not_found` */
export async function readLatestRecords(deps: LatestRecordsDeps, jobId: string, limit: number): Promise<LatestRecords> {
  const known = await deps.openJob(jobId).read();
  if (known === null) throw new ScoringError("not_found", `there is no job ${jobId}`);
  const { state, spec } = known;
  const { lastChunk } = state;
  if (lastChunk === undefined || isEnded(state.status)) return { chunk: null, records: [] };
  const { output } = spec.manifest;
  const store = deps.openStore(output.store);
  const key = partKey(dataFolder(output, jobId, state.generation), lastChunk);
  const size = (await store.head(key))?.size ?? 0;
  if (size === 0) return { chunk: null, records: [] };
  const length = Math.min(size, limit * BYTES_PER_RECORD, deps.limits.plan.maxLineBytes * limit);
  const found = await store.get(key, { range: { offset: size - length, length } });
  if (found.kind !== "found") return { chunk: null, records: [] };
  const lines = placeLines(await readBody(found.body, length), size - length);
  return { chunk: lastChunk, records: lines.slice(-limit).toReversed() };
}

/** The whole lines of a part's end. @param offset of the first byte in the part; where it is not 0, the first line is cut */
export function placeLines(bytes: Uint8Array, offset: number): PlacedLine[] {
  const lines: PlacedLine[] = [];
  let start = offset === 0 ? 0 : bytes.indexOf(10) + 1;
  for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
    const record = parseRecord(new TextDecoder().decode(bytes.subarray(start, end)));
    lines.push({ record, at: offset + start, length: end - start });
    start = end + 1;
  }
  return lines;
}
