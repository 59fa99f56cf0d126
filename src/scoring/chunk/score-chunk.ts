/**
 * Scores one chunk: read, decode, find faces, preprocess, classify in fixed batches, records in input order. One
 * unreadable image is one failed record. At most `maxConnections` reads are open; while one image is decoded and
 * scored, the next ones arrive.
 */

import { ScoringError, toScoringError } from "../../errors.ts";
import type { DecodeAim, DecodedImage, ImageDecoder } from "../../image/image-types.ts";
import type { Classifier, Scores } from "../../model/classifier.ts";
import type { FaceFinder } from "../../model/face-finder.ts";
import { countInputBytes, type InputForm } from "../../model/input-form.ts";
import { FACE_SIZE } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { preprocessFace } from "../../image/preprocess.ts";
import { cutFace, type FaceOptions, selectFaces, WHOLE_PICTURE } from "./faces.ts";
import { parseFerPixels } from "./fer-pixels.ts";
import type { InputFormat } from "../manifest/input-formats.ts";
import { createItemReader } from "../inputs/item-reader.ts";
import type { ItemBytes } from "../inputs/read-item.ts";
import type { ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import {
  makePlainRecord,
  makeScoredRecord,
  measureQuality,
  type PendingFace,
  type RecordStamp,
} from "./score-record.ts";

/** What scoring a chunk works with. */
export interface ChunkDeps {
  readonly store: ObjectStore;
  readonly decoder: ImageDecoder;
  /** Needed for `faces` other than `aligned`. */
  readonly finder: FaceFinder | null;
  readonly classifier: Classifier;
}

/** A job's options, as far as its chunks need them. */
export interface ChunkOptions {
  readonly format: InputFormat;
  readonly faces: FaceOptions;
  readonly stamp: RecordStamp;
  readonly maxImageBytes: number;
  readonly maxConnections: number;
  /** Bytes that are read or held ahead at once, the current input included; a larger input comes alone. */
  readonly maxAheadBytes: number;
  /** Neighbors in one shard or table come in one read: see RunLimits. */
  readonly maxRunBytes: number;
  readonly maxGapBytes: number;
  /** What to do when a read fails for a transient reason: throw, record its input as failed, or stop before it. */
  readonly failedReads: "throw" | "record" | "stop";
  /** Asked after each input whether the time for this chunk is over. Default: never. */
  readonly isOver?: () => boolean;
  /** Awaited after each input and between the steps of a search, so that others get their turn. See WorkDeps. */
  readonly breathe?: (cost?: number) => Promise<void>;
}

/** What came out of a chunk. */
export interface ChunkScores {
  /** In input order; one per input, except with `faces: "all"`. */
  readonly records: readonly ScoreRecord[];
  /** Reads of inputs (neighbors read together count once) and the bytes of the inputs, for the receipt. */
  readonly reads: number;
  readonly readBytes: number;
  /** Why the records end before the inputs do; `null` if they do not. */
  readonly stop: ChunkStop | null;
}

/** Where scoring a chunk stopped: what comes before is scored. */
export interface ChunkStop {
  /** Inputs before it. */
  readonly inputs: number;
  /** The failed read of the next input; `null` if the time was over. */
  readonly error: ScoringError | null;
  /** Whether the store answered other reads of this chunk: then the failure may be this one object's. */
  readonly served: boolean;
}

/**
 * Scores the inputs of one chunk.
 * @throws ScoringError transient `store_*` if a read failed and `failedReads` is `throw`; `engine_unavailable`
 */
export async function scoreChunk(
  deps: ChunkDeps,
  items: readonly InputItem[],
  options: ChunkOptions,
): Promise<ChunkScores> {
  /** By input, then by face; filled in any order, read in order. */
  const slots: ScoreRecord[][] = items.map(() => []);
  const batch = createBatch(deps.classifier, options.stamp);
  let readBytes = 0;
  let reads = 0;
  let stop: ChunkStop | null = null;
  const counted: ObjectStore = {
    ...deps.store,
    get: (key, getOptions) => {
      reads += 1;
      return deps.store.get(key, getOptions);
    },
    read: (key, readOptions) => {
      reads += 1;
      return deps.store.read(key, readOptions);
    },
  };
  const arrivals = readAhead(counted, items, options);
  for await (const { index, item, read } of arrivals) {
    const place = (face: number) => (record: ScoreRecord) => {
      slots[index]![face] = record;
    };
    if (read.kind === "stop") {
      stop = { inputs: index, error: read.error, served: read.served };
      break;
    }
    if (read.kind === "bytes") {
      readBytes += read.bytes.length;
      try {
        for (const [face, pending] of (await prepareFaces(deps, item, read, options)).entries()) {
          if ("record" in pending) place(face)(pending.record);
          else await batch.add(pending.face, pending.pixels, place(face));
        }
      } catch (error) {
        const { code, detail, disposition } = toScoringError(error);
        // A fault of the engine or the program is not the image's.
        if (disposition !== "item") throw error;
        slots[index] = [makePlainRecord(item, options.stamp, "failed", { code, message: detail }, read.etag)];
      }
    } else place(0)(recordUnread(item, read, options.stamp));
    await options.breathe?.();
    if (index + 1 < items.length && options.isOver?.() === true) {
      stop = { inputs: index + 1, error: null, served: true };
      break;
    }
  }
  await batch.flush();
  return { records: slots.flat(), reads, readBytes, stop };
}

/** Largest side of an input for which a picture may be decoded at the search's scale: faces of one must not be enlarged. */
const MAX_SEARCH_INPUT = 64;

/**
 * Version 2 of the preprocessing is version 1, but for JPEGs that are face crops by contract; version 3 decodes what it searches at the search's scale. Both are for
 * networks that take small faces, and version 2 for 48×48 gray alone.
 */
function chooseAim({ stamp, faces }: ChunkOptions, { size, color }: InputForm): DecodeAim {
  if (size > MAX_SEARCH_INPUT || (stamp.pipeline === 2 && (size !== FACE_SIZE || color !== "gray"))) return "picture";
  if (stamp.pipeline === 3 && faces.mode !== "aligned" && faces.faceDetail === "normal") return "search";
  return stamp.pipeline === 2 && faces.mode === "aligned" ? "face" : "picture";
}

type Prepared = { readonly record: ScoreRecord } | { readonly face: PendingFace; readonly pixels: Uint8Array };

async function prepareFaces(
  deps: ChunkDeps,
  item: InputItem,
  read: Extract<ItemBytes, { kind: "bytes" }>,
  options: ChunkOptions,
): Promise<readonly Prepared[]> {
  const { stamp } = options;
  const form = deps.classifier.input;
  if (options.format === "fer2013-csv") {
    const size = { width: FACE_SIZE, height: FACE_SIZE };
    const pixels = preprocessFace({ ...size, channels: 1, data: parseFerPixels(read.bytes) }, null, form);
    const selected = WHOLE_PICTURE;
    const quality = measureQuality(pixels, form, FACE_SIZE);
    return [{ face: { item, etag: read.etag, selected, ordinal: null, quality, ...size }, pixels }];
  }
  const image = await deps.decoder.decode(read.bytes, chooseAim(options, form));
  const by = image.decoder === null ? {} : { decoder: image.decoder };
  const selection = await selectFaces(image, deps.finder, options.faces, stamp.pipeline, options.breathe);
  if (selection.kind === "no_face") {
    return [{ record: { ...makePlainRecord(item, stamp, "no_face", null, read.etag), ...by } }];
  }
  if (selection.kind === "too_small") {
    const side = Math.floor(Math.min(selection.box.width, selection.box.height));
    const message = `the largest face has ${side} pixels, fewer than ${options.faces.minFacePixels}`;
    const small = makePlainRecord(item, stamp, "skipped", { code: "face_too_small", message }, read.etag);
    return [{ record: { ...small, ...by } }];
  }
  return selection.faces.map((selected, index) => {
    const pixels = cutFace(image.raster, selected.crop, form);
    const size = { width: image.sourceWidth, height: image.sourceHeight };
    const quality = measureQuality(pixels, form, measureSide(image, selected.box));
    const ordinal = options.faces.mode === "all" ? index : null;
    return { face: { item, etag: read.etag, selected, ordinal, quality, ...by, ...size }, pixels };
  });
}

function measureSide(image: DecodedImage, box: PendingFace["selected"]["box"]): number {
  return box === null ? Math.min(image.sourceWidth, image.sourceHeight) : Math.min(box.width, box.height);
}

/** Collects faces and classifies them in full batches: the engine sees one shape only. */
function createBatch(classifier: Classifier, stamp: RecordStamp) {
  const size = classifier.batchSize;
  const faceBytes = countInputBytes(classifier.input);
  const pixels = new Uint8Array(size * faceBytes);
  let waiting: { face: PendingFace; place: (record: ScoreRecord) => void }[] = [];
  async function flush(): Promise<void> {
    if (waiting.length === 0) return;
    const faces = waiting;
    waiting = [];
    const scores: Scores = await classifier.classify(pixels, faces.length);
    for (const [row, { face, place }] of faces.entries())
      place(makeScoredRecord(face, classifier.labels, scores, row, stamp));
  }
  return {
    flush,
    async add(face: PendingFace, facePixels: Uint8Array, place: (record: ScoreRecord) => void): Promise<void> {
      pixels.set(facePixels, waiting.length * faceBytes);
      waiting.push({ face, place });
      if (waiting.length === size) await flush();
    },
  };
}

type Read = ItemBytes | { readonly kind: "error"; readonly error: ScoringError };
type Stopped = { readonly kind: "stop"; readonly error: ScoringError; readonly served: boolean };

/**
 * The inputs in order, with up to `maxConnections` reads under way ahead of the one that is being scored, as far as their bytes allow. Where
 * sizes are unknown, an input is assumed to be as large as the largest so far; the first comes alone.
 */
async function* readAhead(
  store: ObjectStore,
  items: readonly InputItem[],
  options: ChunkOptions,
): AsyncGenerator<{ index: number; item: InputItem; read: Read | Stopped }> {
  const { maxImageBytes: maxBytes, maxRunBytes, maxGapBytes } = options;
  const readItem = createItemReader(store, items, { maxBytes, maxRunBytes, maxGapBytes });
  const start = (item: InputItem): Promise<Read | ScoringError> =>
    readItem(item).catch((error: unknown) => {
      const failure = toScoringError(error);
      if (failure.disposition === "item") return { kind: "error", error: failure } as const;
      const isRecorded = failure.disposition === "transient" && options.failedReads === "record";
      if (isRecorded) return { kind: "error", error: failure } as const;
      // A value, not a rejection: it may settle before it is awaited.
      return failure;
    });
  const ahead: { readonly bytes: number; readonly read: Promise<Read | ScoringError> }[] = [];
  let largest: number | null = null;
  let held = 0;
  let next = 0;
  try {
    yield* arrive();
  } finally {
    // If the chunk is given up midway: reads under way hold connections.
    await Promise.all(ahead.map((one) => one.read));
  }

  async function* arrive(): ReturnType<typeof readAhead> {
    for (const [index, item] of items.entries()) {
      for (; next < items.length && next < index + options.maxConnections; next++) {
        const bytes = knowBytes(items[next]!) ?? largest ?? options.maxAheadBytes;
        if (ahead.length > 0 && held + bytes > options.maxAheadBytes) break;
        held += bytes;
        ahead.push({ bytes, read: start(items[next]!) });
      }
      const { bytes, read: coming } = ahead.shift()!;
      const read = await coming;
      if (read instanceof Error) {
        if (read.disposition !== "transient" || options.failedReads !== "stop") throw read;
        const others = await Promise.all(ahead.map((one) => one.read));
        const served = index > 0 || others.some((other) => !(other instanceof Error));
        yield { index, item, read: { kind: "stop", error: read, served } };
        return;
      }
      if (read.kind === "bytes") largest = Math.max(largest ?? 0, read.bytes.length);
      yield { index, item, read };
      held -= bytes;
    }
  }
}

/** Bytes that reading an input transfers; `null` until it has been read. An input that is too large is not read. */
function knowBytes({ range, size }: InputItem): number | null {
  return range?.length ?? size;
}

function recordUnread(item: InputItem, read: Exclude<Read, { kind: "bytes" }>, stamp: RecordStamp): ScoreRecord {
  switch (read.kind) {
    case "missing":
      return makePlainRecord(item, stamp, "failed", { code: "object_missing", message: "the object does not exist" });
    case "changed": {
      const message = "the object is not the one that was listed";
      return makePlainRecord(item, stamp, "skipped", { code: "object_changed", message });
    }
    case "empty":
      return makePlainRecord(item, stamp, "failed", { code: "object_empty", message: "the object has no bytes" });
    case "too_large": {
      const message = `the object has ${read.size} bytes`;
      return makePlainRecord(item, stamp, "failed", { code: "object_too_large", message });
    }
    default:
      return makePlainRecord(item, stamp, "failed", { code: read.error.code, message: read.error.detail });
  }
}
