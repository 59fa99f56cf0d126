import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createFaceFinderNode } from "../../../src/backends/faces-node.ts";
import { startTfjsWasmNode } from "../../../src/backends/tfjs-wasm-node.ts";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import { fitRaster, padRgb } from "../../../src/image/letterbox.ts";
import { decodeGrid, measureOverlap, suppressOverlaps } from "../../../src/model/face-grid.ts";
import type { FoundFace } from "../../../src/model/face-finder.ts";
import { loadTinyFaceModel } from "../../../src/model/tiny-face-model.ts";
import { buildTinyFaceNetwork, CELL_PIXELS, type TinyFaceNetwork } from "../../../src/model/tiny-face-network.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

/**
 * The library's own detector, run by the library, on the same pixels as ours. Its Node build asks for the package
 * `@tensorflow/tfjs`, of which it needs only the core: the core that this project already has is given in its place.
 */

interface FaceApi {
  readonly TinyFaceDetector: new () => {
    loadFromDisk(folder: string): Promise<void>;
    locateFaces(
      input: tf.Tensor3D,
      options: unknown,
    ): Promise<readonly { score: number; box: { x: number; y: number; width: number; height: number } }[]>;
  };
  readonly TinyFaceDetectorOptions: new (options: { inputSize: number; scoreThreshold: number }) => unknown;
}

const require = createRequire(import.meta.url);
const home = dirname(require.resolve("@vladmandic/face-api/package.json"));

/** The whole `@tensorflow/tfjs` hangs its operations on tensors as methods; the library calls these. */
function chainOperations(): void {
  const prototype: object = tf.Tensor.prototype;
  const chain = { div: tf.div, reshape: tf.reshape, slice: tf.slice, expandDims: tf.expandDims, toFloat: tf.cast };
  for (const [name, operation] of Object.entries(chain)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      value(this: tf.Tensor, ...rest: unknown[]): unknown {
        return Reflect.apply(operation, tf, [this, ...rest]);
      },
    });
  }
  for (const name of ["as3D", "as4D"]) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      value(this: tf.Tensor, ...shape: number[]): tf.Tensor {
        return tf.reshape(this, shape);
      },
    });
  }
}

function loadFaceApi(): FaceApi {
  chainOperations();
  const name = "_resolveFilename";
  const resolve: unknown = Reflect.get(Module, name);
  if (typeof resolve !== "function") throw new Error("this Node resolves modules another way");
  const redirect = (request: string, ...rest: unknown[]): unknown =>
    Reflect.apply(resolve, Module, [request === "@tensorflow/tfjs" ? "@tensorflow/tfjs-core" : request, ...rest]);
  Reflect.set(Module, name, redirect);
  try {
    return require("@vladmandic/face-api/dist/face-api.node-wasm.js");
  } finally {
    Reflect.set(Module, name, resolve);
  }
}

describe("the same faces as face-api's own tiny detector", () => {
  const size = 608;
  const minScore = 0.3;
  let network: TinyFaceNetwork;
  let api: FaceApi;
  let theirs: InstanceType<FaceApi["TinyFaceDetector"]>;
  const decoder = loadCodecs().then((codecs) => createImageDecoder(codecs, LIMITS.image));

  beforeAll(async () => {
    await startTfjsWasmNode();
    await tf.setBackend("wasm");
    const folder = new URL("../../../models/faces/tiny-face@1/", import.meta.url);
    const card: unknown = JSON.parse(readFileSync(new URL("card.json", folder), "utf8"));
    const model = await loadTinyFaceModel(card, readFileSync(new URL("weights.safetensors", folder)));
    network = buildTinyFaceNetwork(model.tensors);
    api = loadFaceApi();
    theirs = new api.TinyFaceDetector();
    await theirs.loadFromDisk(join(home, "model"));
  }, 120_000);

  test.each([1, 2, 3, 4, 5, 6])("group photograph %i at 608 pixels, score 0.3", async (i) => {
    const { raster } = await (await decoder).decode(readFileSync(join(home, `demo/sample${i}.jpg`)));
    // Square, as the library always pads; the input has its size already, so that neither side resizes.
    const rgb = padRgb(fitRaster(raster, size), size, size);
    const grid = await network.run(rgb, size, size);
    const ours: FoundFace[] = suppressOverlaps(decodeGrid(grid, size / CELL_PIXELS, size / CELL_PIXELS, minScore), 0.4);
    const input = tf.tensor3d(rgb, [size, size, 3]);
    const options = new api.TinyFaceDetectorOptions({ inputSize: size, scoreThreshold: minScore });
    const expected = (await theirs.locateFaces(input, options)).toSorted((a, b) => b.score - a.score);
    input.dispose();

    expect(ours.length).toBe(expected.length);
    expect(ours.length).toBeGreaterThan(0);
    for (const [k, face] of expected.entries()) {
      const { x, y, width, height } = face.box;
      expect(measureOverlap(ours[k]!.box, { x, y, width, height })).toBeGreaterThan(0.99);
      expect(Math.abs(ours[k]!.score - face.score)).toBeLessThan(1e-3);
    }
  });
});

test("an interrupted or disposed finder says so", async () => {
  const finder = await createFaceFinderNode();
  const before = tf.memory().numTensors;
  const black = { width: 300, height: 200, channels: 1 as const, data: new Uint8Array(60_000) };
  expect(await finder.find(black)).toEqual([]);
  expect(tf.memory().numTensors).toBe(before);
  finder.dispose();
  finder.dispose();
  await expect(finder.find(black)).rejects.toThrow("engine_unavailable");
});
