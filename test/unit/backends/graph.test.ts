import { describe, expect, it } from "vitest";
import { createGraphNodeEngine } from "../../../src/backends/graph/graph-node.ts";
import { GRAPH_ENGINES } from "../../../src/backends/graph/kernel.ts";
import { planLayers } from "../../../src/backends/graph/layers.ts";
import { createTfjsGraphEngine } from "../../../src/backends/tfjs-graph.ts";
import { startTfjsWasmNode } from "../../../src/backends/tfjs-wasm-node.ts";
import { WASM_BACKEND } from "../../../src/backends/tfjs-wasm.ts";
import { createDice, drawPicture, NetworkBuilder } from "../../contract/drawn-networks.ts";
import { describeGraphEngine, drawSeparableNetwork } from "../../contract/graph-parity.ts";

for (const engine of GRAPH_ENGINES) {
  describeGraphEngine(engine, (network) => createGraphNodeEngine(network, engine), { networks: 200 });
}
describeGraphEngine("tfjs-wasm", async (network) => {
  await startTfjsWasmNode();
  return createTfjsGraphEngine(network, WASM_BACKEND);
});

describe("the SIMD engine's plan", () => {
  it("runs a block of depthwise, pointwise, shortcut and ReLU as one step", () => {
    const layers = planLayers(drawSeparableNetwork(3), { separable: true });
    expect(layers.map(({ op, output }) => `${op} ${output}`)).toEqual([
      "product stem-relu",
      "product r0",
      "product r1",
      "pool m2",
      "copy c2",
      "product r2",
      "product r3",
    ]);
  });

  it("knows what a picture takes before it runs, and refuses what an isolate cannot hold", async () => {
    const engine = await createGraphNodeEngine(drawSeparableNetwork(3));
    expect(engine.measure(256, 256)).toBeGreaterThan(engine.measure(128, 128));
    const side = 2048;
    await expect(engine.run(new Float32Array(3 * side * side), side, side)).rejects.toThrow("make the picture smaller");
    expect((await engine.run(drawPicture(1, 3 * 8 * 8), 8, 8)).get("r3")?.data.every(Number.isFinite)).toBe(true);
  });

  it("names a convolution in groups that it has no kernel for", async () => {
    const builder = new NetworkBuilder(createDice(1), [4, 6, 6]);
    builder.add({ name: "halves", op: "conv", inputs: ["input"], groups: 2, weight: builder.draw([4, 2, 3, 3]) });
    await expect(createGraphNodeEngine(builder.finish())).rejects.toThrow("in 2 groups: conv halves");
  });
});
