/** Example faces as small gray pictures, for reports of jobs that ask for them. What cannot be read any more is left out. */

import { uint8ArrayToBase64 } from "uint8array-extras";
import { toScoringError } from "../../errors.ts";
import type { ImageDecoder } from "../../image/image-types.ts";
import { encodeGrayPng } from "../../image/png/png-encode.ts";
import { preprocessFace } from "../../image/preprocess.ts";
import { FACE_SIZE } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { cropFace } from "../chunk/faces.ts";
import { parseFerPixels } from "../chunk/fer-pixels.ts";
import type { LendScorer } from "../chunk/scorer.ts";
import type { Examples, LabelExample } from "../fold/examples.ts";
import { readItem } from "../inputs/read-item.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import type { Limits } from "../limits.ts";
import type { LabelPictures } from "../report/report-examples.ts";

/** Side of a thumbnail in pixels, and its color: no more than tells one expression from another. */
const THUMBNAIL = { size: 64, color: "gray" } as const;

/** Ports of drawing. */
export interface ThumbnailDeps {
  openStore(name: string): ObjectStore;
  /** Lends what decodes pictures; absent: no thumbnails. */
  readonly withScorer?: LendScorer;
  readonly limits: Limits;
}

/**
 * The examples of a job as `data:` addresses of PNGs.
 * @throws ScoringError transient errors of the store
 */
export async function drawThumbnails(
  deps: ThumbnailDeps,
  spec: JobSpec,
  examples: Examples | undefined,
): Promise<readonly LabelPictures[]> {
  const { withScorer, limits } = deps;
  if (examples === undefined || withScorer === undefined) return [];
  const { manifest } = spec;
  const store = deps.openStore(manifest.input.store);
  return withScorer(async (open) => {
    const { decoder } = await open({ model: spec.model, tta: manifest.tta, findsFaces: false });
    const drawn: LabelPictures[] = [];
    for (const [index, label] of labelsOf(spec).entries()) {
      const pictures: string[] = [];
      for (const example of examples[index] ?? []) {
        const picture = await drawThumbnail(store, decoder, spec, example, limits.maxImageBytes);
        if (picture !== null) pictures.push(picture);
      }
      drawn.push({ label, pictures });
    }
    return drawn;
  });
}

async function drawThumbnail(
  store: ObjectStore,
  decoder: ImageDecoder,
  { manifest }: JobSpec,
  { item, box }: LabelExample,
  maxBytes: number,
): Promise<string | null> {
  try {
    const read = await readItem(store, item, { maxBytes });
    if (read.kind !== "bytes") return null;
    if (manifest.format === "fer2013-csv") return toAddress(encodeGrayPng(parseFerPixels(read.bytes), FACE_SIZE));
    const { raster, scale } = await decoder.decode(read.bytes, "picture");
    const crop =
      box === null
        ? null
        : cropFace({ x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale });
    return toAddress(encodeGrayPng(preprocessFace(raster, crop, THUMBNAIL), THUMBNAIL.size));
  } catch (error) {
    // The object has changed, or its store's rights have.
    if (["item", "request"].includes(toScoringError(error).disposition)) return null;
    throw error;
  }
}

const toAddress = (png: Uint8Array): string => `data:image/png;base64,${uint8ArrayToBase64(png)}`;
