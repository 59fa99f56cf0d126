/**
 * The FaceFinder port over BlazeFace: a coarse look at the whole picture for faces that fill it, fine looks for the smaller ones, and a second look at
 * every find. Why so, and what each number does: docs/faces.md.
 */

import { ScoringError } from "../errors.ts";
import { cutRgb, fitRaster, resizeRgb } from "../image/letterbox.ts";
import {
  BLAZEFACE_PIXELS,
  decodeBlazeFace,
  toBlazeFaceInput,
  type BlazeFaceFind,
  type BlazeFaceNetwork,
} from "../model/blazeface.ts";
import type { Box, FaceFinder, FoundFace, Raster } from "../model/face-finder.ts";
import {
  COARSE_MIN_SHARE,
  DEFAULT_MIN_FACE_PIXELS,
  DEFAULT_MIN_FACE_SCORE,
  nameFaceFinder,
  planFineLooks,
} from "../model/face-levels.ts";
import { longerSide, measureNesting, measureOverlap, suppressOverlaps } from "../model/face-overlap.ts";

/** Logit from which a find of the first look is worth a second one. */
const FIRST_LOGIT = -1;
/** Logit of the first look from which a face that fills the picture is the largest without searching on. */
const SURE_LOGIT = 2;
/** Logit of a second look that sees no face. */
const UNSEEN_LOGIT = -6;
/** Input of the coarse and of the second look, pixels each way. */
const LOOK = 128;
/** Of the coarse look, the picture's longer side: the rest is a margin, since the network wants space around a face. */
const COARSE_INNER = 85;
/** Finds of a fine look above this share of the picture, or these pixels of the input, belong to a coarser look. */
const FINE_MAX = { share: 0.42, pixels: 150 } as const;
/** A fine find of which more than this share lies in a coarse one, or the other way round, is the same face. */
const MAX_NESTING = 0.35;
/** Intersection over union above which two finds are one face: of one look, and after all. */
const MAX_OVERLAP = { look: 0.3, end: 0.4 } as const;
/** Side of the second look over the longer side of the box. */
const SECOND_CONTEXT = 2;
/** A fine look runs in tiles of at most this side, so that memory does not grow with the picture; they overlap by more than their largest face. */
const TILE = { side: 512, overlap: 128, maxFace: 112 } as const;

/** A find in pixels of the picture, with its longer side in pixels of the input that it was seen in. */
interface Candidate extends BlazeFaceFind {
  readonly seen: number;
}

/** Which finds are kept. */
interface Wanted {
  readonly largestOnly: boolean;
  /** Of the mean of both looks. */
  readonly minLogit: number;
}

/** Where an input of the network lies in the picture: picture = `x` + input × `scaleX`. */
interface Frame {
  readonly x: number;
  readonly y: number;
  readonly scaleX: number;
  readonly scaleY: number;
}

/** A finder over a network that is loaded; `dispose` disposes of the network. @param model `name@version` of the weights */
export function createBlazeFaceFinder(model: string, network: BlazeFaceNetwork): FaceFinder {
  let disposed = false;

  /** One run of the network: finds best first, in pixels of the picture. */
  async function look(
    rgb: Uint8Array,
    width: number,
    height: number,
    frame: Frame,
    minLogit: number,
  ): Promise<Candidate[]> {
    const outputs = await network.run(toBlazeFaceInput(rgb), width, height);
    const finds = decodeBlazeFace(outputs, width, minLogit).toSorted((a, b) => b.logit - a.logit);
    return suppressOverlaps(finds, MAX_OVERLAP.look).map((find) => place(find, frame));
  }

  async function lookCoarsely(image: Raster, source: Raster, minLogit: number): Promise<Candidate[]> {
    const fitted = fitRaster(source, COARSE_INNER);
    const [left, top] = [(LOOK - fitted.width) >> 1, (LOOK - fitted.height) >> 1];
    const scaleX = image.width / fitted.width;
    const scaleY = image.height / fitted.height;
    const rgb = cutRgb(fitted, { x: -left, y: -top, width: LOOK, height: LOOK });
    const finds = await look(rgb, LOOK, LOOK, { x: -left * scaleX, y: -top * scaleY, scaleX, scaleY }, minLogit);
    return finds.filter(({ box }) => longerSide(box) >= COARSE_MIN_SHARE * Math.max(image.width, image.height));
  }

  async function lookFinely(image: Raster, source: Raster, size: number, minLogit: number): Promise<Candidate[]> {
    const fitted = fitRaster(source, size);
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
        finds.push(...(await look(rgb, columns.side, rows.side, frame, minLogit)));
      }
    }
    const maxSide = FINE_MAX.share * Math.max(image.width, image.height);
    return finds.filter(({ box, seen }) => seen <= maxSeen && longerSide(box) <= maxSide);
  }

  /** The same face seen again at twice its box: the mean of both logits, the sharper box and eyes. */
  async function lookAgain(image: Raster, first: Candidate): Promise<Candidate> {
    const { window, width, height, left, top } = planSecondLook(image, first.box);
    const seen = { width, height, channels: 3 as const, data: resizeRgb(image, width, height, window) };
    const scaleX = window.width / width;
    const scaleY = window.height / height;
    const rgb = cutRgb(seen, { x: -left, y: -top, width: LOOK, height: LOOK });
    const frame = { x: window.x - left * scaleX, y: window.y - top * scaleY, scaleX, scaleY };
    const finds = await look(rgb, LOOK, LOOK, frame, UNSEEN_LOGIT);
    const again = finds.find(({ box }) => measureOverlap(box, first.box) > MAX_OVERLAP.look);
    const logit = (first.logit + (again?.logit ?? UNSEEN_LOGIT)) / 2;
    return { ...(again ?? first), logit };
  }

  /** Finds that a second look confirms, largest first; the first alone where `largestOnly`. */
  async function confirm(
    image: Raster,
    finds: readonly Candidate[],
    { largestOnly, minLogit }: Wanted,
  ): Promise<Candidate[]> {
    const faces: Candidate[] = [];
    for (const find of finds.toSorted((a, b) => longerSide(b.box) - longerSide(a.box))) {
      const face = await lookAgain(image, find);
      if (face.logit < minLogit) continue;
      faces.push(face);
      if (largestOnly) break;
    }
    return faces;
  }

  async function search(image: Raster, fine: readonly number[], wanted: Wanted): Promise<Candidate[]> {
    const firstLogit = Math.min(FIRST_LOGIT, wanted.minLogit);
    const [finest = COARSE_INNER] = fine;
    // Everything coarser is made from the finest look's picture: the picture itself is read once.
    const base =
      finest < Math.max(image.width, image.height) ? fitRaster(image, Math.max(finest, COARSE_INNER)) : image;
    const coarse = await lookCoarsely(image, base, firstLogit);
    if (wanted.largestOnly && coarse.some(({ logit }) => logit >= SURE_LOGIT)) {
      const faces = await confirm(image, coarse, wanted);
      if (faces.length > 0) return faces;
    }
    const finds: Candidate[] = [];
    for (const size of fine) finds.push(...(await lookFinely(image, base, size, firstLogit)));
    const isFilled = ({ box }: Candidate): boolean =>
      coarse.some((large) => measureNesting(large.box, box) > MAX_NESTING);
    const best = suppressOverlaps(finds.toSorted(byLogit), MAX_OVERLAP.look);
    return confirm(image, [...coarse, ...best.filter((find) => !isFilled(find))], wanted);
  }

  return {
    name: nameFaceFinder(model),
    async find(image, options = {}) {
      if (disposed) throw new ScoringError("engine_unavailable", "the face detector was disposed");
      const { minScore = DEFAULT_MIN_FACE_SCORE, minFacePixels = DEFAULT_MIN_FACE_PIXELS } = options;
      const { detail = "normal", largestOnly = false } = options;
      const minLogit = Math.log(minScore / (1 - minScore));
      const fine = planFineLooks(Math.max(image.width, image.height), detail, minFacePixels);
      const faces = await search(image, fine, { largestOnly, minLogit });
      return suppressOverlaps(faces.toSorted(byLogit), MAX_OVERLAP.end).map(toFoundFace);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };
}

function byLogit(a: Candidate, b: Candidate): number {
  return b.logit - a.logit;
}

function toFoundFace({ box, eyes, logit }: Candidate): FoundFace {
  return { box, eyes, score: 1 / (1 + Math.exp(-logit)) };
}

function place({ box, eyes, logit }: BlazeFaceFind, { x, y, scaleX, scaleY }: Frame): Candidate {
  const [right, left] = eyes;
  return {
    logit,
    seen: longerSide(box),
    box: { x: x + box.x * scaleX, y: y + box.y * scaleY, width: box.width * scaleX, height: box.height * scaleY },
    eyes: [
      { x: x + right.x * scaleX, y: y + right.y * scaleY },
      { x: x + left.x * scaleX, y: y + left.y * scaleY },
    ],
  };
}

/** Tiles of one side that cover `length` pixels, all alike, multiples of 32; the last may reach past the end. */
function planTiles(length: number): { readonly side: number; readonly starts: readonly number[] } {
  const { side: most, overlap } = TILE;
  const count = Math.max(1, Math.ceil((length - overlap) / (most - overlap)));
  const side = roundUp((length + (count - 1) * overlap) / count, BLAZEFACE_PIXELS);
  return { side, starts: Array.from({ length: count }, (_, i) => i * (side - overlap)) };
}

/** The part of the picture around a box, its size in the second look's input, and where it lies there. */
function planSecondLook(image: Raster, box: Box) {
  const side = Math.max(2, longerSide(box) * SECOND_CONTEXT);
  const x = box.x + box.width / 2 - side / 2;
  const y = box.y + box.height / 2 - side / 2;
  const across = clip(x, x + side, image.width);
  const down = clip(y, y + side, image.height);
  const window = { x: across.start, y: down.start, width: across.length, height: down.length };
  const scale = LOOK / side;
  const width = fit(window.width * scale);
  const height = fit(window.height * scale);
  const left = Math.min(LOOK - width, Math.max(0, Math.round((window.x - x) * scale)));
  const top = Math.min(LOOK - height, Math.max(0, Math.round((window.y - y) * scale)));
  return { window, width, height, left, top };
}

/** Whole pixels of a stretch that lie in `0…length`; at least one. */
function clip(from: number, to: number, length: number): { readonly start: number; readonly length: number } {
  const start = Math.min(length - 1, Math.max(0, Math.floor(from)));
  return { start, length: Math.max(1, Math.min(length, Math.ceil(to)) - start) };
}

function fit(value: number): number {
  return Math.min(LOOK, Math.max(1, Math.round(value)));
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
