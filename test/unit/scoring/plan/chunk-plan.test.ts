import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { chooseChunkPlan, planChunks, spreadChunks } from "../../../../src/scoring/plan/plan-chunks.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";
import type { InputItem } from "../../../../src/scoring/records/input-item.ts";

/** Inputs of each chunk for pictures of these sizes. */
function planSizes(faces: string, sizes: readonly (number | null)[]): number[] {
  const body = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" }, faces };
  const manifest = parseManifest(body, new Map([["faces", { versions: false }]]), () => true);
  const items: InputItem[] = sizes.map((size, index) => ({
    index,
    id: `${index}`,
    key: `in/${index}`,
    size,
    etag: null,
  }));
  return planChunks(items, "page", chooseChunkPlan(manifest, LIMITS)).chunks.map(({ count }) => count);
}

const repeat = (count: number, size: number | null) => Array.from({ length: count }, () => size);

describe("chunks", () => {
  it("of a small job are small enough for all scorers, and never larger than the job says", () => {
    const job = { chunkSize: 256, maxChunkBytes: 1e9, assumedBytes: 0 };
    const sizes = [1, 7, 8, 200, 1000].map((items) => spreadChunks(job, items, 2).chunkSize);
    expect(sizes).toEqual([1, 1, 1, 25, 125]);
    expect(spreadChunks({ ...job, chunkSize: 10 }, 1000, 2).chunkSize).toBe(10);
    expect(spreadChunks(job, 1000, 1)).toEqual({ ...job, chunkSize: 250 });
  });

  it("hold fewer photographs where faces are searched, and as many small crops as ever", () => {
    expect(planSizes("aligned", repeat(256, 200_000))).toEqual([256]);
    for (const faces of ["largest", "all"]) {
      expect(planSizes(faces, repeat(256, 200_000))).toEqual([83, 83, 83, 7]);
      expect(planSizes(faces, repeat(256, 4000))).toEqual([256]);
    }
  });

  it("assume a size where a manifest tells none and faces are searched", () => {
    expect(planSizes("aligned", repeat(256, null))).toEqual([256]);
    expect(planSizes("largest", repeat(256, null))).toEqual([128, 128]);
  });

  it("hold a picture that is too large for any, alone", () => {
    expect(planSizes("all", [1000, 20 * 1024 * 1024, 1000])).toEqual([1, 1, 1]);
  });
});
