/**
 * The detection benchmark: recall by size of the face, false finds, box and roll error and CPU-ms of the face finder, on pictures composed from those in the
 * tests' packages (scripts/finder/compose.ts). The table of docs/faces.md.
 *
 *     node scripts/measure-finder.ts [--detail fine] [--limit 20] [--only crowd] [--min-score 0.6]
 *
 * `--limit` takes at most this many pictures of each kind, evenly spread; `--only` takes the kinds whose title has the word.
 */

import { parseArgs } from "node:util";
import { createFaceFinderNode } from "../src/backends/faces-node.ts";
import { FACE_DETAILS } from "../src/model/face-levels.ts";
import { openScenes } from "./finder/compose.ts";
import { judgeScene, type Hit, type Judgment } from "./finder/judge.ts";

const { values } = parseArgs({
  options: {
    limit: { type: "string", default: "1000" },
    "min-score": { type: "string" },
    detail: { type: "string", default: "normal" },
    only: { type: "string", default: "" },
  },
});
/** Upper ends of the bands of face sizes, pixels. */
const BANDS = [24, 32, 48, 64, 128, Infinity] as const;

const finder = await createFaceFinderNode();
const detail = FACE_DETAILS.find((name) => name === values.detail);
if (detail === undefined) throw new Error(`--detail ${values.detail}: must be ${FACE_DETAILS.join(" or ")}`);
const options = { detail, ...(values["min-score"] === undefined ? {} : { minScore: Number(values["min-score"]) }) };
const all: Judgment[] = [];
console.log(`${finder.name}\n`);
console.log(
  "| pictures | faces found | other finds per 100 pictures | CPU-ms per picture |\n| --- | --- | --- | --- |",
);
for (const { title, scenes } of await openScenes()) {
  if (!title.includes(values.only)) continue;
  const judgments: Judgment[] = [];
  let pictures = 0;
  let extra = 0;
  let cpuMs = 0;
  for await (const scene of scenes(Number(values.limit))) {
    const before = process.cpuUsage();
    const found = await finder.find(scene.raster, options);
    const { user, system } = process.cpuUsage(before);
    cpuMs += (user + system) / 1000;
    const judged = judgeScene(scene, found);
    judgments.push(...judged.judgments);
    extra += judged.extra.length;
    pictures++;
  }
  all.push(...judgments);
  const others = ((100 * extra) / pictures).toFixed(0);
  console.log(`| ${title}: ${pictures} | ${countFound(judgments)} | ${others} | ${(cpuMs / pictures).toFixed(1)} |`);
}
console.log("\n| longer side of the face | found |\n| --- | --- |");
for (const [i, end] of BANDS.entries()) {
  const start = BANDS[i - 1] ?? 0;
  console.log(`| ${describeBand(start, end)} | ${countFound(all.filter(({ size }) => size >= start && size < end))} |`);
}
const hits = all.map(({ hit }) => hit).filter((hit): hit is Hit => hit !== null);
const rolls = hits.map(({ rollError }) => rollError).filter((error): error is number => error !== null);
console.log(`\nmiddle off by, in sides of the face: ${describe(hits.map(({ offset }) => offset))}`);
console.log(`longer side over the face's: ${describe(hits.map(({ scale }) => scale))}`);
if (rolls.length > 0) console.log(`roll off by, degrees: ${describe(rolls)}, mean ${mean(rolls).toFixed(2)}`);
finder.dispose();

function describeBand(start: number, end: number): string {
  if (start === 0) return `below ${end} pixels`;
  return end === Infinity ? `${start} and more` : `${start} to ${end}`;
}

function countFound(judgments: readonly Judgment[]): string {
  if (judgments.length === 0) return "–";
  const found = judgments.filter(({ hit }) => hit !== null).length;
  return `${found} of ${judgments.length} (${((100 * found) / judgments.length).toFixed(1)} %)`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

function describe(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  return `median ${at(0.5)} (5 % ${at(0.05)}, 95 % ${at(0.95)})`;
}
