import { afterAll, beforeAll, describe, expect, test } from "vitest";
import card from "../../models/faces/blazeface@1/card.json" with { type: "json" };
import weights from "../../models/faces/blazeface@1/weights.safetensors";
import { createFaceFinderWorkerd } from "../../src/backends/faces-workerd.ts";
import { createGraphWorkerdEngine } from "../../src/backends/graph/graph-workerd.ts";
import { loadCodecs } from "../../src/image/codecs-workerd.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { estimateWorkingBytes, readHeader } from "../../src/image/guard.ts";
import { loadBlazeFaceModel } from "../../src/model/blazeface-model.ts";
import type { FaceFinder } from "../../src/model/face-finder.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { decodeBase64 } from "../golden/images.ts";
import { enlarge, LARGE_PHOTOGRAPHS, scorePhotograph } from "../golden/large-photographs.ts";

declare global {
  interface ImportMeta {
    /** Vite's, resolved when the test is bundled. */
    glob<T>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, T>;
  }
}

const groups = import.meta.glob<string>("../../node_modules/@vladmandic/face-api/demo/sample*.jpg", {
  query: "?inline",
  import: "default",
  eager: true,
});
const MIB = 1024 * 1024;

function readGroup(i: number): Uint8Array {
  const url = groups[`../../node_modules/@vladmandic/face-api/demo/sample${i}.jpg`] ?? "";
  return decodeBase64(url.slice(url.indexOf(",") + 1));
}

const codecs = await loadCodecs();
let finder: FaceFinder;
beforeAll(async () => {
  finder = await createFaceFinderWorkerd();
});
afterAll(() => finder.dispose());

/** Bytes of the engine's memory, which only grows, behind the largest look that there is. */
async function measureEngineBytes(): Promise<number> {
  const { network } = await loadBlazeFaceModel(card, new Uint8Array(weights));
  const engine = await createGraphWorkerdEngine(network);
  return engine.measure(512, 512);
}

test.each([
  [1, 3],
  [2, 3],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 4],
])("group photograph %i has %i faces", async (i, faces) => {
  const decoder = createImageDecoder(codecs, LIMITS.image);
  expect((await scorePhotograph(readGroup(i), decoder, finder)).faces).toBe(faces);
});

describe("large photographs inside 128 MB", () => {
  test.each(LARGE_PHOTOGRAPHS)("$name", async (photograph) => {
    const small = await createImageDecoder(codecs, LIMITS.image).decode(readGroup(5));
    const bytes = enlarge(photograph, small.raster);
    const decoder = createImageDecoder(codecs, LIMITS.image);
    const result = await scorePhotograph(bytes, decoder, finder);
    expect(result).toEqual({
      source: photograph.orientation === 6 ? "4000×6000" : "4000×3000",
      raster: photograph.orientation === 6 ? "1000×1500" : "2000×1500",
      faces: 5,
      crops: 5,
    });
    // What lives at once: the file, the decoder's memory at its peak, the raster copied out of it, the engine's memory.
    const raster = result.raster.split("×").reduce((product, side) => product * Number(side), 3);
    const decoding = decoder.peakMemoryBytes() + raster + bytes.length;
    expect(decoding).toBeLessThan(estimateWorkingBytes(readHeader(bytes), bytes.length) + 2 * MIB);
    expect(decoding + (await measureEngineBytes())).toBeLessThan(100 * MIB);
    // Nothing large is kept behind a picture.
    expect(decoder.memoryBytes()).toBeLessThan(16 * MIB);
  });
});
