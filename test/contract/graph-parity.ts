/** What every engine of graphs must do: the same suite in Node and workerd, for tfjs and the SIMD engine. */

import { describe, expect, it } from "vitest";
import type { GraphEngine } from "../../src/backends/graph/graph-engine.ts";
import type { Network } from "../../src/model/graph/check-graph.ts";
import { createDice, drawNetwork, drawPicture, measureDifference, NetworkBuilder } from "./drawn-networks.ts";
import { checkOperators } from "./operator-network.ts";
import { drawSamplerNetwork, SAMPLER_NETWORKS } from "./sampler-network.ts";

/** Largest difference from the oracle, as a share of the largest value. */
export const GRAPH_TOLERANCE = 1e-4;

/** A chain that the SIMD engine runs as separable blocks with a shortcut: BlazeFace's way, at any multiple of eight. */
export function drawSeparableNetwork(seed: number): Network {
  const builder = new NetworkBuilder(createDice(seed), [3, 64, 64]);
  const conv = builder.draw([10, 3, 5, 5]);
  builder.add({
    name: "stem",
    op: "conv",
    inputs: ["input"],
    weight: conv,
    bias: builder.draw([10]),
    stride: [2, 2],
    padding: "same",
  });
  let map = builder.add({ name: "stem-relu", op: "relu", inputs: ["stem"] });
  for (const [i, stride] of [1, 1, 2, 1].entries()) {
    const widened = stride === 2 ? 22 : builder.shapes.get(map)![0];
    const channels = builder.shapes.get(map)![0];
    const [deep, wide] = [builder.draw([channels, 1, 3, 3]), builder.draw([widened, channels, 1, 1])];
    const strides: [number, number] = [stride, stride];
    builder.add({
      name: `d${i}`,
      op: "conv",
      inputs: [map],
      groups: channels,
      weight: deep,
      stride: strides,
      padding: "same",
    });
    builder.add({ name: `p${i}`, op: "conv", inputs: [`d${i}`], weight: wide, bias: builder.draw([widened]) });
    if (stride === 2) {
      builder.add({ name: `m${i}`, op: "maxPool", inputs: [map], size: [2, 2], stride: [2, 2], padding: "same" });
      map = builder.add({ name: `c${i}`, op: "pad", inputs: [`m${i}`], channels: [0, widened - channels] });
    }
    builder.add({ name: `s${i}`, op: "add", inputs: [map, `p${i}`] });
    map = builder.add({ name: `r${i}`, op: "relu", inputs: [`s${i}`] });
  }
  const network = builder.finish();
  const input = { ...network.graph.input, height: null, width: null, multipleOf: 8 };
  return { ...network, graph: { ...network.graph, input } };
}

/** Declares the suite for one engine. */
export function describeGraphEngine(
  name: string,
  create: (network: Network) => Promise<GraphEngine>,
  options: { networks?: number } = {},
): void {
  describe(`graphs on ${name}`, () => {
    const { networks = 60 } = options;
    for (let first = 0; first < networks; first += 10) {
      it(`agree with the oracle: drawn networks ${first} to ${first + 9}`, async () => {
        for (let seed = first; seed < first + 10; seed++) {
          const network = drawNetwork(seed);
          const { channels, height, width } = network.graph.input;
          const engine = await create(network);
          const picture = drawPicture(seed, channels * height! * width!);
          const difference = await measureDifference(engine, network, picture, height!, width!);
          engine.dispose();
          expect({ seed, agrees: difference < GRAPH_TOLERANCE, difference }).toMatchObject({ seed, agrees: true });
        }
      });
    }

    it("has every operation", async () => {
      const { outputs, faults } = await checkOperators(create);
      expect(outputs).toBeGreaterThan(25);
      expect(faults).toEqual([]);
    });

    it("samples in any network, at any θ", async () => {
      for (let seed = 0; seed < SAMPLER_NETWORKS; seed++) {
        const network = drawSamplerNetwork(seed);
        const { channels, height, width } = network.graph.input;
        const engine = await create(network);
        const picture = drawPicture(seed, channels * height! * width!);
        const difference = await measureDifference(engine, network, picture, height!, width!);
        engine.dispose();
        expect({ seed, agrees: difference < GRAPH_TOLERANCE, difference }).toMatchObject({ seed, agrees: true });
      }
    });

    it("takes pictures of several sizes in turn, each as if it were the first", async () => {
      const network = drawSeparableNetwork(3);
      const engine = await create(network);
      for (const [height, width] of [
        [16, 24],
        [64, 8],
        [8, 8],
        [120, 104],
        [16, 24],
        [64, 8],
      ] as const) {
        const picture = drawPicture(height, 3 * height * width);
        expect(await measureDifference(engine, network, picture, height, width)).toBeLessThan(GRAPH_TOLERANCE);
      }
      engine.dispose();
    });

    it("refuses a size that the network does not take, a short picture, and pictures after it was disposed", async () => {
      const engine = await create(drawSeparableNetwork(3));
      await expect(engine.run(new Float32Array(3 * 12 * 8), 12, 8)).rejects.toMatchObject({ code: "model_invalid" });
      await expect(engine.run(new Float32Array(3 * 8 * 8 - 1), 8, 8)).rejects.toMatchObject({ code: "model_invalid" });
      engine.dispose();
      engine.dispose();
      await expect(engine.run(new Float32Array(3 * 8 * 8), 8, 8)).rejects.toMatchObject({ code: "engine_unavailable" });
    });
  });
}
