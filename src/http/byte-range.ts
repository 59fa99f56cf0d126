/** The Range header, one range (RFC 9110, 14.1.2). */

/** `null`: send everything (no header, another unit, several ranges). */
export function parseByteRange(
  header: string | undefined,
  size: number,
): { readonly offset: number; readonly length: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return null;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== "" && Number(match[2]) < offset) return null;
  return offset >= size ? "unsatisfiable" : { offset, length: last - offset + 1 };
}
