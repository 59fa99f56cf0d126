import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { runGraphOracle } from "../../../../src/model/graph/graph-oracle.ts";
import { readNetwork } from "../../../../src/model/import/read-network.ts";
import { serializeSafetensors } from "../../../../src/model/safetensors.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { createTinyNet } from "../../../contract/tiny-net.ts";

/** Weights that come without their network. */

const tiny = createTinyNet();
const safetensors = serializeSafetensors(tiny.tensors);
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const shape = [3, 32, 32] as const;
const data = Float64Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * 37) % 101) / 50 - 1);
const expected = runGraphOracle({ graph: tiny.card.graph!, weights: tiny.tensors }, { shape, data }).get(
  "logits",
)!.data;

/** The same weights as tfjs lays them out. */
function packManifest(): { manifest: unknown; bytes: Uint8Array } {
  const weights: object[] = [];
  const numbers: number[] = [];
  for (const [name, { shape: sizes, data: values }] of tiny.tensors) {
    const [outputs = 1, inputs = 1, tall = 1, wide = 1] = sizes;
    const isKernel = sizes.length > 1;
    weights.push({
      name,
      dtype: "float32",
      shape: sizes.length === 4 ? [tall, wide, inputs, outputs] : isKernel ? [inputs, outputs] : sizes,
    });
    if (!isKernel) numbers.push(...values);
    else
      for (let tap = 0; tap < tall * wide; tap += 1)
        for (let i = 0; i < inputs; i += 1)
          for (let o = 0; o < outputs; o += 1) numbers.push(values[(o * inputs + i) * tall * wide + tap]!);
  }
  return { manifest: [{ paths: ["w.bin"], weights }], bytes: new Uint8Array(Float32Array.from(numbers).buffer) };
}

const { manifest, bytes } = packManifest();
const read = (file: Uint8Array, graph: unknown, beside: Uint8Array = bytes) =>
  readNetwork(file, async () => beside, { graph: encode(graph) }, LIMITS.modelImport);

describe("a described graph", () => {
  it.each([
    ["safetensors", safetensors],
    ["a weights manifest of tfjs", encode(manifest)],
  ])("with %s is the network", async (_, file) => {
    const { network } = await read(file, tiny.card.graph);
    const logits = runGraphOracle(network, { shape, data }).get("logits")!.data;
    expect([...logits]).toEqual([...expected].map((value) => expect.closeTo(value, 5)));
  });

  it("is refused where it and the weights do not belong together", async () => {
    const graph = tiny.card.graph!;
    const renamed = {
      ...graph,
      nodes: graph.nodes.map((node) => (node.op === "conv" ? { ...node, bias: "none" } : node)),
    };
    await expect(read(safetensors, renamed)).rejects.toThrow("no node reads the tensor conv.bias");
    const more = new Map([...tiny.tensors, ["spare", tiny.tensors.get("dense.bias")!]]);
    await expect(read(serializeSafetensors(more), graph)).rejects.toThrow("no node reads the tensor spare");
    await expect(read(safetensors, { ...graph, nodes: [] })).rejects.toThrow(ScoringError);
    const alone = readNetwork(encode(manifest), async () => bytes, {}, LIMITS.modelImport);
    await expect(alone).rejects.toThrow("the file has weights and no network");
  });

  it("gives a network or a clear error whatever is changed in it", async () => {
    const junk = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.constant([]), fc.constant([4096, 4096]));
    const fields = ["name", "op", "inputs", "weight", "bias", "stride", "padding", "groups"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3),
        fc.constantFrom(...fields),
        junk,
        fc.boolean(),
        fc.nat(bytes.length),
        async (at, field, value, isTfjs, length) => {
          const graph = structuredClone(tiny.card.graph!);
          Object.assign(graph.nodes[at]!, { [field]: value });
          const made = isTfjs ? read(encode(manifest), graph, bytes.subarray(0, length)) : read(safetensors, graph);
          const fault = await made.then(
            () => null,
            (error: unknown) => error,
          );
          expect(fault === null || fault instanceof ScoringError ? null : fault).toBeNull();
        },
      ),
      { numRuns: 200 },
    );
  });
});
