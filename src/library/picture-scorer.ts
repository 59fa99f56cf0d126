/** Scores pictures without a job: the chunk's own code over bytes that the caller holds, with the engines of one runtime. */

import type { EngineName } from "../backends/engine-table.ts";
import { type AbstentionPrecision, findThresholds } from "../model/abstention.ts";
import { ScoringError } from "../errors.ts";
import type { ImageDecoder } from "../image/image-types.ts";
import type { Classifier } from "../model/classifier.ts";
import type { FaceFinder } from "../model/face-finder.ts";
import type { FaceDetail } from "../model/face-levels.ts";
import { createFlipClassifier } from "../model/flip.ts";
import type { Label } from "../model/labels.ts";
import type { Model } from "../model/model.ts";
import type { Registry } from "../model/registry.ts";
import type { FaceMode } from "../scoring/records/face-mode.ts";
import { scoreChunk } from "../scoring/chunk/score-chunk.ts";
import { LIMITS } from "../scoring/limits.ts";
import { DEFAULT_MODEL, manifestSchema } from "../scoring/manifest/manifest.ts";
import type { PipelineVersion, ScoreRecord } from "../scoring/records/records.ts";
import type { InputItem } from "../scoring/records/input-item.ts";
import { hashBytes } from "../storage/bytes.ts";
import { createHeldStore } from "./held-store.ts";

/** How {@link PictureScorer} scores. Every default is that of a job. */
export interface PictureScorerOptions {
  /** `name@version`, or a name for its newest; default `deep-emotion`. */
  readonly model?: string;
  /**
   * `auto` (the default): a picture of at most 96 pixels on its longer side is a tight crop of one face, of any other the largest face is scored;
   * `aligned`: each picture is a crop; `largest`: the largest face of each picture; `all`: one record per face.
   */
  readonly faces?: FaceMode;
  /** Shorter side of a face's box in pixels of the picture; smaller faces are not scored. Default 24. */
  readonly minFacePixels?: number;
  /** The face finder's confidence, 0…1, below which a find is not a face. Default 0.57. */
  readonly minFaceScore?: number;
  /** How far the search goes for small faces; default `normal`. */
  readonly faceDetail?: FaceDetail;
  /** What computes the network; default the fastest that this runtime has. */
  readonly engine?: EngineName;
  /** `flip` averages with the mirrored face: somewhat better, half as fast. Default `none`. */
  readonly tta?: "none" | "flip";
  /** Gives no label where it would be right less often than this share, by the model's card: `label` is `null` and `abstained` says which it was. Default: every face gets one. */
  readonly abstain?: AbstentionPrecision;
  /** Version of the preprocessing; default the model's own. */
  readonly pipeline?: PipelineVersion;
}

/** A picture's encoded bytes (JPEG, PNG or WebP; in Node with `sharp` installed GIF, TIFF and AVIF too, with `libheif-js` HEIC), or something that gives them: a `Blob`, `File`, `Request` or `Response`. */
export type PictureBytes = Uint8Array | ArrayBuffer | { arrayBuffer(): Promise<ArrayBuffer> };

/** A picture with what its record should say about it. */
export interface LabeledPicture<Picture> {
  readonly picture: Picture;
  /** `id` and `key` of the record; default the path or file name, else `picture-` and its number. */
  readonly id?: string;
  /** Copied to the record's `truth`. */
  readonly label?: Label;
  /** Copied to the record: names of groups and their values, to aggregate by. */
  readonly groups?: Readonly<Record<string, string>>;
}

/** Scores pictures; one per model and options. Calls queue up: an engine scores one batch at a time. */
export interface PictureScorer<Picture = PictureBytes> {
  /** `name@version`. */
  readonly model: string;
  /** What computes the network, as in a job's run lock. */
  readonly engine: string;
  /**
   * Scores one picture.
   * @returns one record, with `faces: "all"` one per face. A picture that cannot be read is a record with `error`
   * @throws ScoringError `engine_unavailable`
   */
  score(picture: Picture | LabeledPicture<Picture>): Promise<readonly ScoreRecord[]>;
  /** Scores pictures in full batches; records come in the order of the pictures. Holds at most 64 pictures or 64 MiB. */
  scoreAll(
    pictures: AsyncIterable<Picture | LabeledPicture<Picture>> | Iterable<Picture | LabeledPicture<Picture>>,
  ): AsyncGenerator<ScoreRecord, void, undefined>;
  /** Frees the engine. */
  dispose(): void;
}

/** What a runtime brings. */
export interface ScorerParts<Picture> {
  readonly registry: Registry;
  readonly loadDecoder: () => Promise<ImageDecoder>;
  readonly loadFinder: () => Promise<FaceFinder>;
  readonly createClassifier: (model: Model, engine: EngineName) => Promise<Classifier>;
  /** Bytes of a picture, and its name if it has one. @throws ScoringError of an item, which the record then holds */
  readonly read: (picture: Picture) => Promise<{ readonly bytes: Uint8Array; readonly name: string | null }>;
  /** What tells a picture from a {@link LabeledPicture}. */
  readonly isPicture: (value: Picture | LabeledPicture<Picture>) => value is Picture;
}

/** Pictures and bytes that wait for a batch. */
const MAX_HELD_PICTURES = 64;
const MAX_HELD_BYTES = 64 * 1024 * 1024;

interface Held {
  readonly item: InputItem;
  readonly bytes: Uint8Array | ScoringError;
}

/** @throws ScoringError `unknown_model`, `model_invalid`, `engine_unavailable` */
export async function createPictureScorer<Picture>(
  parts: ScorerParts<Picture>,
  options: PictureScorerOptions,
): Promise<PictureScorer<Picture>> {
  const { faces = "auto", engine = "fused" } = options;
  const model = await parts.registry.load(parts.registry.resolve(options.model ?? DEFAULT_MODEL));
  const [decoder, finder, plain] = await Promise.all([
    parts.loadDecoder(),
    faces === "aligned" ? null : parts.loadFinder(),
    parts.createClassifier(model, engine),
  ]);
  const classifier = options.tta === "flip" ? createFlipClassifier(plain) : plain;
  const { abstain, tta = "none" } = options;
  const thresholds = abstain === undefined ? {} : { thresholds: findThresholds(model.card, abstain, tta) };
  const stamp = { model: classifier.model, pipeline: options.pipeline ?? model.card.pipeline, ...thresholds };
  const faceOptions = {
    mode: faces,
    minFacePixels: options.minFacePixels ?? manifestSchema.shape.minFacePixels.parse(undefined),
    minFaceScore: options.minFaceScore ?? manifestSchema.shape.minFaceScore.parse(undefined),
    faceDetail: options.faceDetail ?? manifestSchema.shape.faceDetail.parse(undefined),
  };
  let lastTurn: Promise<unknown> = Promise.resolve();
  let count = 0;

  async function hold(given: Picture | LabeledPicture<Picture>): Promise<Held> {
    const { picture, id, label, groups } = parts.isPicture(given) ? { picture: given } : given;
    const index = count++;
    const fallback = `picture-${index}`;
    const extras = { ...(label === undefined ? {} : { label }), ...(groups === undefined ? {} : { groups }) };
    try {
      const { bytes, name } = await parts.read(picture);
      const key = id ?? name ?? fallback;
      const etag = await hashBytes(bytes);
      return { item: { index, id: key, key, size: bytes.length, etag, ...extras }, bytes };
    } catch (error) {
      if (!(error instanceof ScoringError) || error.disposition !== "item") throw error;
      const key = id ?? (typeof picture === "string" ? picture : fallback);
      return { item: { index, id: key, key, size: null, etag: null, ...extras }, bytes: error };
    }
  }

  function scoreHeld(held: readonly Held[]): Promise<readonly ScoreRecord[]> {
    const turn = lastTurn.then(async () => {
      const { records } = await scoreChunk(
        { store: createHeldStore(held.map(({ bytes }) => bytes)), decoder, finder, classifier },
        // The store's keys are places in the list: names are the caller's, and may repeat.
        held.map(({ item }, place) => ({ ...item, key: String(place) })),
        {
          format: "image",
          faces: faceOptions,
          stamp,
          maxImageBytes: LIMITS.maxImageBytes,
          maxConnections: 1,
          maxAheadBytes: MAX_HELD_BYTES,
          maxRunBytes: 0,
          maxGapBytes: 0,
          failedReads: "record",
        },
      );
      return records.map((record) => ({ ...record, key: held[Number(record.key)]!.item.key }));
    });
    lastTurn = turn.catch(() => undefined);
    return turn;
  }

  return {
    model: classifier.model,
    engine: classifier.engine,
    score: async (picture) => scoreHeld([await hold(picture)]),
    async *scoreAll(pictures) {
      let held: Held[] = [];
      let bytes = 0;
      for await (const picture of pictures) {
        const next = await hold(picture);
        held.push(next);
        bytes += next.item.size ?? 0;
        if (held.length < MAX_HELD_PICTURES && bytes < MAX_HELD_BYTES) continue;
        yield* await scoreHeld(held);
        held = [];
        bytes = 0;
      }
      if (held.length > 0) yield* await scoreHeld(held);
    },
    dispose: () => classifier.dispose(),
  };
}

/** Bytes of what every runtime can read. */
export async function readPictureBytes(
  picture: PictureBytes,
): Promise<{ readonly bytes: Uint8Array; readonly name: string | null }> {
  if (picture instanceof Uint8Array) return { bytes: picture, name: null };
  if (picture instanceof ArrayBuffer) return { bytes: new Uint8Array(picture), name: null };
  const bytes = new Uint8Array(await picture.arrayBuffer());
  return { bytes, name: "name" in picture && typeof picture.name === "string" ? picture.name : null };
}

/** Whether a value is a picture by itself. */
export function isPictureBytes(value: unknown): value is PictureBytes {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return true;
  return typeof value === "object" && value !== null && "arrayBuffer" in value;
}
