import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createBlazeFaceNetwork } from "../../../src/backends/blazeface-graph.ts";
import { createFaceFinderNode } from "../../../src/backends/faces-node.ts";
import { createGraphNodeEngine } from "../../../src/backends/graph/graph-node.ts";
import { GRAPH_ENGINES } from "../../../src/backends/graph/kernel.ts";
import { startTfjsWasmNode } from "../../../src/backends/tfjs-wasm-node.ts";
import { WASM_BACKEND } from "../../../src/backends/tfjs-wasm.ts";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import { cutRgb, fitRaster } from "../../../src/image/letterbox.ts";
import { decodeBlazeFace, toBlazeFaceInput, type BlazeFaceNetwork } from "../../../src/model/blazeface.ts";
import { loadBlazeFaceModel } from "../../../src/model/blazeface-model.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

/** The graph that `@vladmandic/human` ships, run by tfjs, on the same pixels as our network of the same weights. */

const SIDE = 256;
const human = join(import.meta.dirname, "../../../node_modules/@vladmandic/human/models");
const photographs = join(dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")), "demo");

describe.each(GRAPH_ENGINES)("the numbers of the library's own graph, on %s", (engine) => {
  let network: BlazeFaceNetwork;
  let theirs: Awaited<ReturnType<typeof loadGraphModel>>;
  const decoder = loadCodecs().then((codecs) => createImageDecoder(codecs, LIMITS.image));

  beforeAll(async () => {
    await startTfjsWasmNode();
    await tf.setBackend(WASM_BACKEND);
    const folder = new URL("../../../models/faces/blazeface@1/", import.meta.url);
    const card: unknown = JSON.parse(readFileSync(new URL("card.json", folder), "utf8"));
    const model = await loadBlazeFaceModel(card, readFileSync(new URL("weights.safetensors", folder)));
    network = createBlazeFaceNetwork(await createGraphNodeEngine(model.network, engine));
    const json = JSON.parse(readFileSync(join(human, "blazeface.json"), "utf8"));
    theirs = await loadGraphModel({
      load: async () => ({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest[0].weights,
        weightData: Uint8Array.from(readFileSync(join(human, "blazeface.bin"))).buffer,
        format: json.format,
      }),
    });
  }, 120_000);

  test.each([1, 4])("group photograph %i at 256 pixels", async (i) => {
    const { raster } = await (await decoder).decode(readFileSync(join(photographs, `sample${i}.jpg`)));
    const rgb = toBlazeFaceInput(cutRgb(fitRaster(raster, SIDE), { x: 0, y: 0, width: SIDE, height: SIDE }));
    const ours = await network.run(rgb, SIDE, SIDE);
    const input = tf.tensor4d(rgb, [1, SIDE, SIDE, 3]);
    const names = ["Identity:0", "Identity_2:0", "Identity_1:0", "Identity_3:0"];
    const expected = theirs.execute(input, names) as tf.Tensor[];
    const values = await Promise.all(expected.map((tensor) => tensor.data()));
    tf.dispose([input, ...expected]);
    for (const [k, mine] of [ours.nearScores, ours.nearValues, ours.farScores, ours.farValues].entries()) {
      expect(mine.length).toBe(values[k]!.length);
      const worst = Math.max(...mine.map((value, at) => Math.abs(value - values[k]![at]!)));
      expect(worst).toBeLessThan(1e-3);
    }
    // The library's own decoding: anchors in the middle of 16×16 cells, two each, then of 8×8 cells, six each.
    const finds = decodeBlazeFace(ours, SIDE, 0);
    const centers = [16, 32].flatMap((cell, grid) =>
      Array.from({ length: (SIDE / cell) ** 2 * (grid === 0 ? 2 : 6) }, (_, at) => {
        const place = Math.floor(at / (grid === 0 ? 2 : 6));
        return [((place % (SIDE / cell)) + 0.5) * cell, (Math.floor(place / (SIDE / cell)) + 0.5) * cell] as const;
      }),
    );
    const logits = [...values[0]!, ...values[2]!];
    const boxes = [...values[1]!, ...values[3]!];
    const wanted = [...logits.keys()].filter((at) => logits[at]! >= 0);
    expect(finds.length).toBe(wanted.length);
    expect(finds.length).toBeGreaterThan(0);
    for (const [k, at] of wanted.entries()) {
      const [x, y, width, height, rightX, rightY] = boxes.slice(at * 16, at * 16 + 6) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const [middleX, middleY] = centers[at]!;
      expect(finds[k]!.box.x + finds[k]!.box.width / 2).toBeCloseTo(middleX + x, 2);
      expect(finds[k]!.box.y + finds[k]!.box.height / 2).toBeCloseTo(middleY + y, 2);
      expect(finds[k]!.box.width).toBeCloseTo(width, 2);
      expect(finds[k]!.box.height).toBeCloseTo(height, 2);
      expect(finds[k]!.eyes[0].x).toBeCloseTo(middleX + rightX, 2);
      expect(finds[k]!.eyes[0].y).toBeCloseTo(middleY + rightY, 2);
    }
  });
});

test("a disposed finder says so", async () => {
  const finder = await createFaceFinderNode();
  const black = { width: 300, height: 200, channels: 1 as const, data: new Uint8Array(60_000) };
  expect(await finder.find(black)).toEqual([]);
  finder.dispose();
  finder.dispose();
  await expect(finder.find(black)).rejects.toThrow("engine_unavailable");
});
