/** The pixels column of FER2013: 2,304 gray values as decimal text, separated by spaces. */

import { ScoringError } from "../../errors.ts";
import { FACE_PIXELS } from "../../model/labels.ts";

const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;

/** @throws ScoringError `image_corrupt` unless there are exactly 2,304 values of 0…255 */
export function parseFerPixels(bytes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(FACE_PIXELS);
  const { length } = bytes;
  let count = 0;
  for (let at = 0; at < length;) {
    const code = bytes[at++]!;
    if (code === SPACE || code === CARRIAGE_RETURN) continue;
    let value = code - ZERO;
    if (value < 0 || value > 9) throw new ScoringError("image_corrupt", `pixel ${count + 1} is not a number`);
    for (let digit; at < length && (digit = bytes[at]! - ZERO) >= 0 && digit <= 9; at++) {
      value = value * 10 + digit;
      if (value > 255) throw new ScoringError("image_corrupt", `pixel ${count + 1} is above 255`);
    }
    if (count < FACE_PIXELS) pixels[count] = value;
    count += 1;
  }
  if (count !== FACE_PIXELS) throw new ScoringError("image_corrupt", `the row has ${count} pixels, not ${FACE_PIXELS}`);
  return pixels;
}
