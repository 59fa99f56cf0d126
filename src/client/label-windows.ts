/** In which pieces `labels.jsonl` is read. */

/** About 110 records: what a page shows at first should not wait for more. */
const FIRST_BYTES = 64 * 1024;
/** About 2,000 records. */
const WINDOW_BYTES = 1024 * 1024;

/** Bytes to read from `offset`, the start of a line. */
export function windowBytes(offset: number): number {
  return offset === 0 ? FIRST_BYTES : WINDOW_BYTES;
}

/** The `Range` of so many bytes. */
export function formatRange(offset: number, length: number): string {
  return `bytes=${offset}-${offset + length - 1}`;
}
