import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FACE_FINDER, FACE_RECALL } from "../../../src/model/face-levels.ts";

/** What a report says of the finder is what docs/faces.md has measured. */

const lines = readFileSync(new URL("../../../docs/faces.md", import.meta.url), "utf8").split("\n");

/** Found and counted faces of the last column of the row that begins so. */
function readRow(name: string): [number, number] {
  const row = lines.find((line) => line.startsWith(`| ${name} `)) ?? "";
  const [, found, of] = /(\d+) of (\d+) \([\d.]+ %\) \|$/.exec(row) ?? [];
  return [Number(found), Number(of)];
}

it("states recall by size as the document of this finder does", () => {
  expect(lines.some((line) => line.startsWith("| longer side of the face |") && line.includes(FACE_FINDER))).toBe(true);
  const rows = ["24 to 32", "32 to 48", "48 to 64"].map(readRow);
  const [middle, large] = [readRow("64 to 128"), readRow("128 and more")];
  rows.push([middle[0] + large[0], middle[1] + large[1]]);
  expect(FACE_RECALL.map(({ found, of }) => [found, of])).toEqual(rows);
});
