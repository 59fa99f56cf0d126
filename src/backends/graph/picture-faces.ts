/** A classifier's network on bytes of faces, face by face: channels in a vector. */

import { type Network, smallestInput } from "../../model/graph/check-graph.ts";
import type { ByteScale, FaceRunner } from "./face-runner.ts";
import { createGraphEngine } from "./graph-engine.ts";
import type { GraphEngineName } from "./kernel.ts";

/** Faces of one call: each costs the same, so that any number does. */
const CALL_FACES = 16;

/**
 * Loads a network of one input size into an instance of `module`.
 * @throws ScoringError `engine_unavailable` if a node has no kernel here or memory is refused
 */
export async function createPictureFaces(
  module: WebAssembly.Module,
  network: Network,
  { scales, offsets }: ByteScale,
  engine: GraphEngineName,
): Promise<FaceRunner> {
  const [height, width] = smallestInput(network.graph);
  const channels = scales.length;
  const size = height * width * channels;
  const pictures = await createGraphEngine(module, network, engine);
  const input = new Float32Array(size);
  return {
    batchSize: CALL_FACES,
    async run(pixels, count) {
      const outputs = new Map<string, Float32Array>();
      for (let face = 0; face < count; face++) {
        for (let i = 0, k = 0; i < size; i++) {
          input[i] = pixels[face * size + i]! * scales[k]! + offsets[k]!;
          k = k + 1 === channels ? 0 : k + 1;
        }
        for (const [name, { data }] of await pictures.run(input, height, width)) {
          const values = outputs.get(name) ?? new Float32Array(count * data.length);
          values.set(data, face * data.length);
          outputs.set(name, values);
        }
      }
      return outputs;
    },
  };
}
