import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type Line, readLines } from "../../../../src/scoring/inputs/lines.ts";
import type { Piece } from "../../../../src/scoring/inputs/range-reader.ts";

const MAX_LINE_BYTES = 6;

/** `text` in pieces of these lengths, the rest as one more. */
async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Piece> {
  const ends = [bytes.length];
  for (const length of lengths.toReversed()) ends.unshift(Math.min(length, bytes.length));
  let at = 0;
  for (const end of ends.toSorted((a, b) => a - b)) {
    if (end > at) yield { bytes: bytes.subarray(at, end), last: end === bytes.length };
    at = end;
  }
}

interface Expected {
  readonly text: string | null;
  readonly line: number;
  /** Where the next line begins. */
  readonly next: number;
}

/** The same by a regular expression over the whole text. */
function splitText(text: string): Expected[] {
  const lines: Expected[] = [];
  let at = 0;
  for (const match of text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    const [whole = "", body = ""] = match;
    if (at === text.length) break;
    at += whole.length;
    lines.push({ text: body.length > MAX_LINE_BYTES ? null : body, line: lines.length + 1, next: at });
  }
  return lines;
}

async function collect(text: string, lengths: readonly number[], from?: Line["next"]): Promise<Expected[]> {
  const bytes = new TextEncoder().encode(text);
  const start = from ?? { offset: 0, line: 1, skipping: false };
  const found: Expected[] = [];
  for await (const line of readLines(cut(bytes.subarray(start.offset), lengths), start, MAX_LINE_BYTES)) {
    const next = line.next.offset;
    if (line.kind === "line") found.push({ text: new TextDecoder().decode(line.bytes), line: line.line, next });
    else if (line.kind === "too_long") found.push({ text: null, line: line.line, next });
    else found[found.length - 1] = { ...(found.at(-1) ?? { text: null, line: 0 }), next };
  }
  return found;
}

it("ends lines at LF, CRLF and CR alone, wherever the bytes are cut", async () => {
  const characters = fc.constantFrom("a", "b", "\r", "\n", "\r\n", "ccccccc");
  const texts = fc.array(characters, { maxLength: 30 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.nat(60), { maxLength: 12 }), fc.nat(), async (text, lengths, stop) => {
      const expected = splitText(text);
      expect(await collect(text, lengths)).toEqual(expected);
      // Reading goes on behind any line as it would have without a stop.
      if (expected.length === 0) return;
      const at = stop % expected.length;
      const start = { offset: expected[at]!.next, line: expected[at]!.line + 1, skipping: false };
      expect(await collect(text, lengths, start)).toEqual(expected.slice(at + 1));
    }),
    { numRuns: 1500 },
  );
});
