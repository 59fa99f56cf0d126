/** Runs in Chromium: the golden cases on the fused engine, what disagrees, and what a constant image gives. */

import { createFusedBrowserClassifier } from "../../../src/backends/fused/fused-browser.ts";
import type { FusedEngine } from "../../../src/backends/fused/fused-classifier.ts";
import { FACE_PIXELS } from "../../../src/model/labels.ts";
import type { Model } from "../../../src/model/model.ts";
import { listTensorShapes, type NetworkWidths } from "../../../src/model/graph/deep-emotion-tensors.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import { countElements, type Tensor } from "../../../src/model/tensor.ts";
import { listDisagreements } from "../../contract/classifier-agreement.ts";
import {
  createRandom,
  createTestModel,
  drawFaces,
  drawNoise,
  FACE_COUNT,
  listGoldenCases,
} from "../../golden/network.ts";

const addresses = {
  "fused-wasm-simd": "/deep-emotion.wasm",
  "fused-wasm-relaxed": "/deep-emotion-relaxed.wasm",
} as const;

/** Widths that are no multiple of a register tile. */
const ODD: NetworkWidths = { localization: [3, 7], localizationHidden: 5, conv: [1, 13, 6, 9], hidden: 11 };

function drawModel(seed: number, theta: readonly number[], alignCorners: boolean): Model {
  const next = createRandom(seed);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of listTensorShapes(ODD)) {
    const spread = Math.sqrt(6 / (shape.length > 1 ? countElements(shape.slice(1)) : 100));
    const offset = name === "norm.weight" || name === "norm.running_var" ? 1 : 0;
    const data = Float32Array.from(
      { length: countElements(shape) },
      () => offset + spread * (2 * (next() / 2 ** 32) - 1),
    );
    tensors.set(name, { shape, data: name === "fc_loc.2.bias" ? Float32Array.from(theta) : data });
  }
  return createTestModel(tensors, { alignCorners });
}

function toRows(values: Float32Array, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
}

/** What the test calls. */
export interface FusedPage {
  /** Name of the engine that is chosen here without being asked for. */
  choice(): Promise<string>;
  /** Golden cases, and random weights of odd widths with θ that leaves the image. */
  check(engine: FusedEngine): Promise<{ engine: string; cases: number; disagreements: string[]; finite: boolean }>;
}

const page: FusedPage = {
  async choice() {
    const [first] = listGoldenCases();
    return (await createFusedBrowserClassifier(first!.model, addresses)).engine;
  },
  async check(engine) {
    const disagreements: string[] = [];
    const golden = listGoldenCases();
    let finite = true;
    let name = "";
    for (const { model, expected } of golden) {
      const classifier = await createFusedBrowserClassifier(model, addresses, { engine });
      disagreements.push(...listDisagreements(await classifier.classify(drawFaces(), FACE_COUNT), expected));
      const { probabilities } = await classifier.classify(new Uint8Array(FACE_PIXELS).fill(128), 1);
      finite &&= probabilities.every((value) => Number.isFinite(value));
      name = classifier.engine;
    }
    const thetas = [
      [1, 0, 1.01, 0, 1, 0.97],
      [1, 0, 5, 0, 1, -5],
      [3e4, 0, 2e6, 0, 3e4, -2e6],
      [9, 2, 0, -2, 9, 0],
    ];
    for (const [i, theta] of thetas.entries()) {
      const model = drawModel(40 + i, theta, i % 2 === 1);
      const pixels = drawNoise(50 + i, 9);
      const reference = await createOracle(model).classify(pixels, 9);
      const classifier = await createFusedBrowserClassifier(model, addresses, { engine });
      for (const count of [9, 1, 2, 3, 4, 5, 6, 7, 8]) {
        const scores = await classifier.classify(pixels, count);
        const probabilities = toRows(reference.probabilities, 7).slice(0, count);
        const rows = toRows(reference.theta ?? new Float32Array(), 6).slice(0, count);
        disagreements.push(
          ...listDisagreements(scores, { probabilities, theta: Math.max(...theta) > 100 ? rows.map(() => []) : rows }),
        );
      }
    }
    return { engine: name, cases: golden.length + thetas.length, disagreements, finite };
  },
};

Object.assign(globalThis, { fused: page });
