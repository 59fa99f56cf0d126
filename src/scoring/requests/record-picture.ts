/** The picture behind one record, as it was when it was scored. */

import { ScoringError } from "../../errors.ts";
import { encodeGrayPng } from "../../image/png/png-encode.ts";
import { IMAGE_FORMATS, IMAGE_MEDIA_TYPES } from "../../image/image-formats.ts";
import { sniffFormat } from "../../image/sniff.ts";
import { FACE_SIZE } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readBody } from "../../storage/read-body.ts";
import type { StoreGrant } from "../access/access.ts";
import { guardStore } from "../access/guarded-store.ts";
import { parseFerPixels } from "../chunk/fer-pixels.ts";
import { type InputLists, readInputs } from "../inputs/job-inputs.ts";
import { readItem } from "../inputs/read-item.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import { isEnded } from "../job/job-status.ts";
import { dataFolder, LABEL_FILES, partKey } from "../keys.ts";
import type { Limits } from "../limits.ts";
import type { InputFormat } from "../manifest/input-formats.ts";
import type { InputItem } from "../records/input-item.ts";
import { parseRecord } from "../records/record-line.ts";
import type { ScoreRecord } from "../records/records.ts";

/** The ports that reading a picture works with. */
export interface RecordPictureDeps {
  openJob(jobId: string): Pick<JobCoordinator, "read">;
  openStore(name: string): ObjectStore;
  readonly limits: Limits;
}

/** Where a record stands: the bytes of its line in `labels.jsonl`, and for shards and tables the number of its input. */
export interface RecordPlace {
  readonly at: number;
  readonly length: number;
  readonly input?: number | undefined;
  /** The chunk whose part has the line, of a job that has no `labels.jsonl`, or not yet. */
  readonly chunk?: string | undefined;
}

/** Types that a picture may have: a row of a table comes as PNG. */
export const PICTURE_MEDIA_TYPES = IMAGE_MEDIA_TYPES;

/** An encoded picture. */
export interface RecordPicture {
  readonly bytes: Uint8Array;
  /** Its type as registered with IANA. */
  readonly mediaType: string;
  /** Without quotes. */
  readonly etag: string;
}

/**
 * The caller says where in `labels.jsonl` the record stands, so that a picture of a job of millions costs one ranged read; the record
 * there must have the id that is asked for, so nothing but a job's own inputs is read. Inside of a shard or a table the input's own line
 * says which bytes: its number is the caller's, its id is checked too.
 * @throws ScoringError `validation_failed`, `not_found`, `object_missing`, `object_changed`, `object_too_large`, `forbidden`
 */
export async function readRecordPicture(
  deps: RecordPictureDeps,
  jobId: string,
  recordId: string | null,
  place: RecordPlace,
  grants: readonly StoreGrant[] | null,
): Promise<RecordPicture> {
  const known = await deps.openJob(jobId).read();
  if (known === null) throw new ScoringError("not_found", `there is no job ${jobId}`);
  const { manifest } = known.spec;
  const { generation, merge, status } = known.state;
  const folder = dataFolder(manifest.output, jobId, generation);
  const outputs = deps.openStore(manifest.output.store);
  const { chunk } = place;
  // While the job runs, there is no list that says where in a container an input lies.
  if (chunk !== undefined && manifest.format !== "image" && !(isEnded(status) && merge !== undefined)) {
    throw new ScoringError("validation_failed", "chunk: for jobs over pictures, not over shards or tables");
  }
  const lines = chunk === undefined ? `${folder}${LABEL_FILES.jsonl.name}` : partKey(folder, chunk);
  const record = await readRecord(outputs, lines, place);
  if (record?.id !== recordId) throw new ScoringError("not_found", "no such record stands there");
  const item = await findItem({ store: outputs, folder, merge }, manifest.format, record, {
    input: place.input,
    windowBytes: deps.limits.plan.maxLineBytes,
  });
  // Outputs can be overwritten by whoever may upload there: a forged record must not open what its key may not read.
  const { store } = manifest.input;
  const inputs = guardStore(deps.openStore(store), store, grants);
  return readPicture(inputs, item, manifest.format, deps.limits.maxImageBytes);
}

/** The input of a record: the object itself, or its range of a shard or table. */
async function findItem(
  lists: InputLists,
  format: InputFormat,
  record: ScoreRecord,
  place: { readonly input: number | undefined; readonly windowBytes: number },
): Promise<InputItem> {
  if (format === "image") {
    return { index: 0, id: record.id, key: record.key, size: null, etag: record.etag };
  }
  if (place.input === undefined) {
    throw new ScoringError("validation_failed", "input: the number of the record's input, as it stands in a container");
  }
  const [item] = await readInputs(lists, place.input, 1, place.windowBytes).catch(answerNone);
  // Of several faces of one picture each has a number behind the input's id.
  const ids = [record.id, record.id.replace(/#\d+$/, "")];
  if (item === undefined || item.key !== record.key || !ids.includes(item.id)) {
    throw new ScoringError("not_found", "the record is not of that input");
  }
  return item;
}

async function readRecord(
  store: ObjectStore,
  key: string,
  place: { readonly at: number; readonly length: number },
): Promise<ScoreRecord | null> {
  const found = await store.get(key, { range: { offset: place.at, length: place.length } });
  if (found.kind !== "found") throw new ScoringError("not_found", "the job has no such records, or not yet");
  try {
    return parseRecord(new TextDecoder().decode(await readBody(found.body, place.length)));
  } catch (error) {
    // A place inside of a line.
    if (error instanceof ScoringError && error.disposition === "request") return null;
    throw error;
  }
}

/** The number comes from outside: one that the list does not hold is no loss of the list. */
function answerNone(error: unknown): readonly InputItem[] {
  if (error instanceof ScoringError && error.code === "manifest_lost") return [];
  throw error;
}

/** Only what is a picture by its own bytes leaves, and as nothing else: a stored page must not run on this origin. */
export async function readPicture(
  store: ObjectStore,
  item: InputItem,
  format: InputFormat,
  maxBytes: number,
): Promise<RecordPicture> {
  const read = await readItem(store, item, { maxBytes });
  switch (read.kind) {
    case "missing":
      throw new ScoringError("object_missing", `${item.key} is gone`);
    case "changed":
      throw new ScoringError("object_changed", `${item.key} is not what was scored`);
    case "empty":
      throw new ScoringError("not_found", `${item.key} has no bytes`);
    case "too_large":
      throw new ScoringError("object_too_large", `${item.key} has ${read.size} bytes`);
    default:
  }
  const bytes = format === "fer2013-csv" ? encodeGrayPng(parseFerPixels(read.bytes), FACE_SIZE) : read.bytes;
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind !== "image") throw new ScoringError("not_found", `${item.key} is ${sniffed.looksLike}`);
  // Pictures of one container share its etag.
  const place = item.page?.row ?? item.range?.offset;
  const etag = place === undefined ? read.etag : `${read.etag}-${place}`;
  return { bytes, mediaType: IMAGE_FORMATS[sniffed.format].mediaType, etag };
}
