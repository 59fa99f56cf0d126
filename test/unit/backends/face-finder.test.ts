import { afterAll, describe, expect, test } from "vitest";
import { createFaceFinderNode } from "../../../src/backends/faces-node.ts";
import { FACE_FINDER } from "../../../src/model/face-levels.ts";
import type { FindOptions } from "../../../src/model/face-finder.ts";
import { openScenes } from "../../../scripts/finder/compose.ts";
import { judgeScene, type Judgment } from "../../../scripts/finder/judge.ts";

/** The finder as it is shipped, on a part of the detection benchmark; docs/faces.md has the whole. */

const finder = await createFaceFinderNode();
afterAll(() => finder.dispose());
const groups = await openScenes();

async function search(title: string, limit: number, options: FindOptions = {}) {
  const group = groups.find((one) => one.title.startsWith(title));
  if (group === undefined) throw new Error(`no scenes ${title}`);
  const judgments: Judgment[] = [];
  let extra = 0;
  for await (const scene of group.scenes(limit)) {
    const judged = judgeScene(scene, await finder.find(scene.raster, options));
    judgments.push(...judged.judgments);
    extra += judged.extra.length;
  }
  return { found: judgments.filter(({ hit }) => hit !== null), all: judgments, extra };
}

test("is the one that jobs name", () => expect(finder.name).toBe(FACE_FINDER));

describe("finds, once, what a person would point at", () => {
  test.each([
    ["portraits as they are", 12, {}, 0],
    ["portraits at 350", 6, {}, 0],
    ["portraits at 350", 6, { largestOnly: true }, 0],
    ["portraits cut to the face", 12, {}, 0],
    ["portraits turned", 8, {}, 0],
    ["portraits at a fifth of their light", 8, {}, 0],
    ["group photographs at 200", 6, { minFacePixels: 16 }, 1],
    ["group photographs at 960", 2, {}, 0],
  ] as const)(
    "%s: %i pictures, %o, %i missed or made up at most",
    { timeout: 120_000 },
    async (title, limit, options, missed) => {
      const { found, all, extra } = await search(title, limit, options);
      expect(all.length - found.length).toBeLessThanOrEqual(missed);
      expect(extra).toBeLessThanOrEqual(missed);
    },
  );

  test("no face in views of landscapes", { timeout: 120_000 }, async () => {
    expect(await search("views of 500", 10)).toEqual({ found: [], all: [], extra: 0 });
  });

  test("eyes within a few degrees, boxes on the face", { timeout: 120_000 }, async () => {
    const { found } = await search("portraits turned", 12);
    const rolls = found.map(({ hit }) => hit?.rollError).filter((error) => error !== null && error !== undefined);
    expect(rolls.length).toBeGreaterThan(3);
    expect(rolls.toSorted((a, b) => a - b)[rolls.length >> 1]).toBeLessThan(6);
    for (const { hit } of found) expect(hit?.offset).toBeLessThan(0.25);
  });
});

test("a dubious large find swallows no real faces", { timeout: 120_000 }, async () => {
  const group = groups.find(({ title }) => title === "portraits in views of 1500 pixels")!;
  let index = 0;
  for await (const scene of group.scenes()) {
    // This dark room has the look of a face that would hold those of the picture's right half.
    if (index++ < 4) continue;
    const { judgments, extra } = judgeScene(scene, await finder.find(scene.raster));
    expect(judgments.filter(({ hit }) => hit === null)).toEqual([]);
    expect(extra).toEqual([]);
    break;
  }
});

test("fine detail sees faces of a tiled look once each", { timeout: 240_000 }, async () => {
  const { found, all, extra } = await search("crowd of 69 portraits of 72", 1, { detail: "fine" });
  expect(extra).toBeLessThanOrEqual(1);
  expect(found.length).toBeGreaterThanOrEqual(0.9 * all.length);
});

test("the largest alone is the largest of all", { timeout: 120_000 }, async () => {
  const group = groups.find(({ title }) => title.startsWith("group photographs at 480"))!;
  for await (const { raster } of group.scenes(2)) {
    const all = await finder.find(raster);
    const [largest] = await finder.find(raster, { largestOnly: true });
    const sides = all.map(({ box }) => Math.max(box.width, box.height));
    expect(Math.max(largest!.box.width, largest!.box.height)).toBeGreaterThanOrEqual(0.9 * Math.max(...sides));
  }
});
