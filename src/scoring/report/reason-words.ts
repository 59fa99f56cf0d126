/** Error codes in the words of a report's reader. */

/** Reasons as a reader would say them; a code without words is shown as it is. */
const REASONS: Readonly<Record<string, string>> = {
  object_missing: "The object was gone when it was read",
  object_changed: "The object changed after it was listed",
  object_empty: "The object has no bytes",
  object_too_large: "The object is larger than the limit",
  image_unsupported: "The format is not supported",
  image_corrupt: "The picture is damaged",
  image_truncated: "The picture ends too early",
  image_too_many_pixels: "The picture has too many pixels",
  face_too_small: "The face is smaller than the job's minimum",
  input_invalid: "The input is not what the manifest says",
  item_poisoned: "Scoring it ended its worker again and again",
  item_cancelled: "The job was cancelled before its turn",
  item_expired: "The job expired before its turn",
};

/** The words for an error code. */
export function describeReason(code: string): string {
  return Object.hasOwn(REASONS, code) ? (REASONS[code] ?? code) : code;
}
