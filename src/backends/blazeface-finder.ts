/**
 * The FaceFinder port over BlazeFace: a coarse look at the whole picture for faces that fill it, fine looks for the smaller ones, and closer looks at
 * every find. Why so, and what each number does: docs/faces.md.
 */

import { ScoringError } from "../errors.ts";
import { createHalves, cutRgb, fitRaster, type PixelTools } from "../image/letterbox.ts";
import { decodeBlazeFace, toBlazeFaceInput, type BlazeFaceNetwork } from "../model/blazeface.ts";
import type { Box, FaceFinder, FindOptions, FoundFace, Raster } from "../model/face-finder.ts";
import {
  COARSE_MIN_SHARE,
  DEFAULT_MIN_FACE_PIXELS,
  DEFAULT_MIN_FACE_SCORE,
  nameFaceFinder,
  planFineLooks,
} from "../model/face-levels.ts";
import { longerSide, measureNesting, measureOverlap, suppressOverlaps } from "../model/face-overlap.ts";
import {
  LOOK,
  mirrorFind,
  mirrorRgb,
  place,
  planCloserLook,
  planTiles,
  TILE,
  type Candidate,
  type Frame,
} from "./blazeface-frames.ts";

/** Logit from which a find of the first look is worth a second one. */
const FIRST_LOGIT = -1;
/** Logit of a second or third look that sees no face. */
const UNSEEN_LOGIT = -4;
/** A find of the first look with this logit, so much `above` the wanted one, and with this longer side in its input, needs no second look. */
const SURE = { logit: 1.8, above: 1.5, seen: 24 } as const;
/** A find whose mean of two looks is nearer to the wanted logit than this gets a third look. */
const DOUBT = 1;
/** Of the coarse look, the picture's longer side: the rest is a margin, since the network wants space around a face. */
const COARSE_INNER = 85;
/** Finds of a fine look above this share of the picture, or these pixels of the input, belong to a coarser look. */
const FINE_MAX = { share: 0.42, pixels: 150 } as const;
/** A fine find of which more than this share lies in a coarse one, or the other way round, is the same face. */
const MAX_NESTING = 0.35;
/** Intersection over union above which two finds are one face: of one look, and after all. */
const MAX_OVERLAP = { look: 0.3, end: 0.4 } as const;
/** What a second look sees, and a third one: side over the longer side of the box. The third sees the picture mirrored. */
const SECOND = { context: 2, mirrored: false } as const;
const THIRD = { context: 3, mirrored: true } as const;

/** Pixels of a look that costs as much as classifying a face of 48×48. */
const PIXELS_PER_COST = 4096;

/** A picture, its halves, and what is awaited between looks at it. */
interface Searched {
  readonly image: Raster;
  readonly findHalf: ReturnType<typeof createHalves>;
  readonly breathe: FindOptions["breathe"];
}

/** Which finds are kept. */
interface Wanted {
  readonly largestOnly: boolean;
  /** Of the mean of all looks. */
  readonly minLogit: number;
}

/**
 * A finder over a network that is loaded; `dispose` disposes of the network.
 * @param model `name@version` of the weights
 * @param pixels what looks are made with
 */
export function createBlazeFaceFinder(model: string, network: BlazeFaceNetwork, pixels: PixelTools): FaceFinder {
  let disposed = false;

  /** One run of the network: finds best first, in pixels of the picture. */
  async function look(
    { breathe }: Searched,
    rgb: Uint8Array,
    width: number,
    height: number,
    frame: Frame,
    minLogit: number,
  ): Promise<Candidate[]> {
    const input = toBlazeFaceInput(frame.mirrored ? mirrorRgb(rgb, width) : rgb);
    const finds = decodeBlazeFace(await network.run(input, width, height), width, minLogit).toSorted(byLogit);
    await breathe?.((width * height) / PIXELS_PER_COST);
    return suppressOverlaps(finds, MAX_OVERLAP.look).map((find) =>
      place(frame.mirrored ? mirrorFind(find, width) : find, frame),
    );
  }

  async function lookCoarsely(searched: Searched, minLogit: number): Promise<Candidate[]> {
    const { image, findHalf } = searched;
    const fitted = fitRaster(findHalf(COARSE_INNER), COARSE_INNER, pixels);
    const [left, top] = [(LOOK - fitted.width) >> 1, (LOOK - fitted.height) >> 1];
    const scaleX = image.width / fitted.width;
    const scaleY = image.height / fitted.height;
    const rgb = cutRgb(fitted, { x: -left, y: -top, width: LOOK, height: LOOK });
    const frame = { x: -left * scaleX, y: -top * scaleY, scaleX, scaleY };
    const finds = await look(searched, rgb, LOOK, LOOK, frame, minLogit);
    return finds.filter(({ box }) => longerSide(box) >= COARSE_MIN_SHARE * Math.max(image.width, image.height));
  }

  async function lookFinely(searched: Searched, size: number, minLogit: number): Promise<Candidate[]> {
    const { image, findHalf } = searched;
    const fitted = fitRaster(findHalf(size), size, pixels);
    const scaleX = image.width / fitted.width;
    const scaleY = image.height / fitted.height;
    const columns = planTiles(fitted.width);
    const rows = planTiles(fitted.height);
    const maxSeen = columns.starts.length * rows.starts.length > 1 ? TILE.maxFace : FINE_MAX.pixels;
    const finds: Candidate[] = [];
    for (const y of rows.starts) {
      for (const x of columns.starts) {
        const rgb = cutRgb(fitted, { x, y, width: columns.side, height: rows.side });
        const frame = { x: x * scaleX, y: y * scaleY, scaleX, scaleY };
        finds.push(...(await look(searched, rgb, columns.side, rows.side, frame, minLogit)));
      }
    }
    const maxSide = FINE_MAX.share * Math.max(image.width, image.height);
    return finds.filter(({ box, seen }) => seen <= maxSeen && longerSide(box) <= maxSide);
  }

  /** The same face seen again by itself, or nothing. */
  async function lookCloser(
    searched: Searched,
    box: Box,
    { context, mirrored }: typeof SECOND | typeof THIRD,
  ): Promise<Candidate | null> {
    const { image, findHalf } = searched;
    const source = findHalf((Math.max(image.width, image.height) * LOOK) / (longerSide(box) * context));
    const [toX, toY] = [image.width / source.width, image.height / source.height];
    const seenBox = { x: box.x / toX, y: box.y / toY, width: box.width / toX, height: box.height / toY };
    const { window, width, height, left, top } = planCloserLook(source, seenBox, context);
    const seen = { width, height, channels: 3 as const, data: pixels.resize(source, width, height, window) };
    const scaleX = (toX * window.width) / width;
    const scaleY = (toY * window.height) / height;
    const rgb = cutRgb(seen, { x: -left, y: -top, width: LOOK, height: LOOK });
    const frame = { x: window.x * toX - left * scaleX, y: window.y * toY - top * scaleY, scaleX, scaleY, mirrored };
    const finds = await look(searched, rgb, LOOK, LOOK, frame, UNSEEN_LOGIT);
    return finds.find((find) => measureOverlap(find.box, box) > MAX_OVERLAP.look) ?? null;
  }

  /** A find with the mean of its looks' logits; box and eyes are the second look's where there is one. */
  async function lookAgain(searched: Searched, first: Candidate, minLogit: number): Promise<Candidate> {
    if (first.logit >= Math.max(SURE.logit, minLogit + SURE.above) && first.seen >= SURE.seen) return first;
    const second = await lookCloser(searched, first.box, SECOND);
    const face = second ?? first;
    const sum = first.logit + (second?.logit ?? UNSEEN_LOGIT);
    if (Math.abs(sum / 2 - minLogit) >= DOUBT) return { ...face, logit: sum / 2 };
    const third = await lookCloser(searched, face.box, THIRD);
    return { ...face, logit: (sum + (third?.logit ?? UNSEEN_LOGIT)) / 3 };
  }

  /** Finds that closer looks confirm, largest first; the first alone where `largestOnly`. */
  async function confirm(
    searched: Searched,
    finds: readonly Candidate[],
    { largestOnly, minLogit }: Wanted,
  ): Promise<Candidate[]> {
    const faces: Candidate[] = [];
    for (const find of finds.toSorted((a, b) => longerSide(b.box) - longerSide(a.box))) {
      const face = await lookAgain(searched, find, minLogit);
      if (face.logit < minLogit) continue;
      faces.push(face);
      if (largestOnly) break;
    }
    return faces;
  }

  async function search(searched: Searched, fine: readonly number[], wanted: Wanted): Promise<Candidate[]> {
    const firstLogit = Math.min(FIRST_LOGIT, wanted.minLogit);
    const coarse = await lookCoarsely(searched, firstLogit);
    const large = await confirm(searched, coarse, wanted);
    if (wanted.largestOnly && large.length > 0) return large;
    const finds: Candidate[] = [];
    for (const size of fine) finds.push(...(await lookFinely(searched, size, firstLogit)));
    // Only a face that is one: what a coarse look takes for a face may hold the real ones.
    const isFilled = ({ box }: Candidate): boolean => large.some((face) => measureNesting(face.box, box) > MAX_NESTING);
    const small = suppressOverlaps(finds.toSorted(byLogit), MAX_OVERLAP.look).filter((find) => !isFilled(find));
    return [...large, ...(await confirm(searched, small, wanted))];
  }

  return {
    name: nameFaceFinder(model),
    async find(image, options = {}) {
      if (disposed) throw new ScoringError("engine_unavailable", "the face detector was disposed");
      const { minScore = DEFAULT_MIN_FACE_SCORE, minFacePixels = DEFAULT_MIN_FACE_PIXELS } = options;
      const { detail = "normal", largestOnly = false, breathe } = options;
      const minLogit = Math.log(minScore / (1 - minScore));
      const fine = planFineLooks(Math.max(image.width, image.height), detail, minFacePixels);
      const searched = { image, findHalf: createHalves(image, pixels), breathe };
      const faces = await search(searched, fine, { largestOnly, minLogit });
      return suppressOverlaps(faces.toSorted(byLogit), MAX_OVERLAP.end).map(toFoundFace);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };
}

function byLogit(a: { readonly logit: number }, b: { readonly logit: number }): number {
  return b.logit - a.logit;
}

function toFoundFace({ box, eyes, logit }: Candidate): FoundFace {
  return { box, eyes, score: 1 / (1 + Math.exp(-logit)) };
}
