/** The pixels column of FER2013: 2,304 grey values as decimal text, separated by spaces. */

import { ScoringError } from "../errors.ts";
import { FACE_PIXELS } from "../model/labels.ts";

/** @throws ScoringError `image_corrupt` unless there are exactly 2,304 values of 0…255 */
export function parseFerPixels(bytes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(FACE_PIXELS);
  let count = 0;
  let value = -1;
  for (let i = 0; i <= bytes.length; i++) {
    const code = i < bytes.length ? bytes[i]! : 0x20;
    if (code >= 0x30 && code <= 0x39) {
      value = (value < 0 ? 0 : value * 10) + (code - 0x30);
      if (value > 255) throw new ScoringError("image_corrupt", `pixel ${count + 1} is above 255`);
    } else if (code === 0x20 || code === 0x0d) {
      if (value >= 0 && count < FACE_PIXELS) pixels[count] = value;
      if (value >= 0) count += 1;
      value = -1;
    } else {
      throw new ScoringError("image_corrupt", `pixel ${count + 1} is not a number`);
    }
  }
  if (count !== FACE_PIXELS) throw new ScoringError("image_corrupt", `the row has ${count} pixels, not ${FACE_PIXELS}`);
  return pixels;
}
