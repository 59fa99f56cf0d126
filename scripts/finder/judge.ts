/** Compares finds with the faces that a scene is known to show. */

import type { Box, Eyes, FoundFace, Point } from "../../src/model/face-finder.ts";
import { longerSide } from "../../src/model/face-overlap.ts";
import type { MarkedFace, Scene } from "./compose.ts";

/** A face, and its find. */
export interface Judgment {
  /** Longer side of the face, pixels of the scene. */
  readonly size: number;
  /** Absent: the face was missed. */
  readonly hit: Hit | null;
}

/** How a find compares with its face. */
export interface Hit {
  /** Distance of the two middles over the face's longer side. */
  readonly offset: number;
  /** Longer side of the find over that of the face. */
  readonly scale: number;
  /** Angle between the two eye lines in degrees; `null` without eyes, or where a head is turned too far to tell. */
  readonly rollError: number | null;
}

/** A head turned away further than this, eye distance over the box's longer side, has no eye line to compare. */
const MIN_EYE_DISTANCE = 0.28;

/**
 * Gives every face its best find: one whose middle lies in the face's box and whose longer side is between half and twice the face's.
 * @returns one judgment per face, and the finds that are of no face or a second one of theirs
 */
export function judgeScene(
  { faces }: Scene,
  finds: readonly FoundFace[],
): { judgments: Judgment[]; extra: FoundFace[] } {
  const left = new Set(finds);
  const judgments = faces.map((face): Judgment => {
    const size = longerSide(face.box);
    const best = [...left]
      .filter((find) => isOf(find, face))
      .toSorted((a, b) => offsetOf(a, face) - offsetOf(b, face))[0];
    if (best === undefined) return { size, hit: null };
    left.delete(best);
    return {
      size,
      hit: { offset: offsetOf(best, face), scale: longerSide(best.box) / size, rollError: compareRoll(best, face) },
    };
  });
  return { judgments, extra: [...left] };
}

/** Angle of the line through both eyes in degrees, clockwise from level. */
export function measureRoll([right, left]: Eyes): number {
  return (Math.atan2(left.y - right.y, left.x - right.x) * 180) / Math.PI;
}

function isOf({ box }: FoundFace, face: MarkedFace): boolean {
  const { x, y } = middleOf(box);
  const ratio = longerSide(box) / longerSide(face.box);
  const isInside =
    x >= face.box.x && x <= face.box.x + face.box.width && y >= face.box.y && y <= face.box.y + face.box.height;
  return isInside && ratio >= 0.5 && ratio <= 2;
}

function offsetOf({ box }: FoundFace, face: MarkedFace): number {
  const [a, b] = [middleOf(box), middleOf(face.box)];
  return Math.hypot(a.x - b.x, a.y - b.y) / longerSide(face.box);
}

function compareRoll(find: FoundFace, face: MarkedFace): number | null {
  const [right, left] = face.eyes;
  const distance = Math.hypot(left.x - right.x, left.y - right.y);
  if (find.eyes === undefined || distance / longerSide(face.box) < MIN_EYE_DISTANCE) return null;
  const error = Math.abs(measureRoll(find.eyes) - measureRoll(face.eyes)) % 360;
  return Math.min(error, 360 - error);
}

function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}
