import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseModelCard } from "../../../../src/model/card.ts";
import { countFaceWork } from "../../../../src/model/face-cost.ts";
import { readWorkload, type Workload } from "../../../../src/scoring/job/job-workload.ts";
import { estimateCpuMs } from "../../../../src/scoring/job/job-cost.ts";

const models = join(import.meta.dirname, "../../../../models");
const readWork = async (id: string): Promise<number> =>
  countFaceWork(parseModelCard(await readFile(join(models, id, "card.json"), "utf8")));

const KIB = 1024;
const of = (faces: Workload["faces"], more: Partial<Workload> = {}): Workload => ({ tta: "none", faces, ...more });

/** Dollars of CPU for a million inputs of so many bytes each. */
function priceMillion(bytes: number, workload: Workload): number {
  return (estimateCpuMs({ inputs: 1e6, bytes: bytes * 1e6, chunks: 2000, ...workload }) * 0.02) / 1e6;
}

describe("what one face costs, from a model's card", () => {
  it.each([
    ["deep-emotion@4", 3.92],
    ["deep-emotion-wide@2", 19.7],
    ["plain-net@2", 139],
    ["hog-svm@1", 0.0124],
  ])("%s takes %d million multiply-adds", async (id, millions) => {
    expect((await readWork(id)) / 1e6 / millions).toBeCloseTo(1, 1);
  });
});

describe("the CPU of a job", () => {
  it("knows the model: a crop takes the accurate one five times as long", async () => {
    const fast = priceMillion(2 * KIB, of("aligned", { faceWork: await readWork("deep-emotion@4") }));
    expect(fast).toBeCloseTo(priceMillion(2 * KIB, of("aligned")), 4);
    const accurate = priceMillion(2 * KIB, of("aligned", { faceWork: await readWork("plain-net@2") }));
    expect(accurate / fast).toBeGreaterThan(4);
    expect(priceMillion(2 * KIB, of("aligned", { faceWork: 139e6, tta: "flip" })) / accurate).toBeGreaterThan(1.8);
  });

  it("searches photographs and no crops, all faces for longer than the largest", () => {
    expect(priceMillion(2 * KIB, of("auto"))).toBe(priceMillion(2 * KIB, of("aligned")));
    const largest = priceMillion(200 * KIB, of("largest"));
    expect(priceMillion(200 * KIB, of("auto"))).toBe(largest);
    expect(largest).toBeGreaterThan(priceMillion(200 * KIB, of("aligned")) * 1.5);
    expect(priceMillion(200 * KIB, of("all"))).toBeGreaterThan(largest * 2);
  });

  it("is read from the manifest: rows of FER2013 are not searched", () => {
    const manifest = { tta: "flip", faces: "auto", format: "fer2013-csv" } as const;
    expect(readWorkload({ manifest })).toEqual({ tta: "flip", faces: "aligned" });
    expect(readWorkload({ manifest: { ...manifest, format: "tar" }, faceWork: 7 })).toEqual({
      tta: "flip",
      faces: "auto",
      faceWork: 7,
    });
  });
});
