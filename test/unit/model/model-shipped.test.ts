import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { listFolderModels } from "../../../src/backends/models-node.ts";
import { createTfjsWasmNodeClassifier } from "../../../src/backends/tfjs-wasm-node.ts";
import { LABEL_COUNT } from "../../../src/model/labels.ts";
import { countParameters, readNetworkWidths } from "../../../src/model/graph/deep-emotion-tensors.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import { createRegistry } from "../../../src/model/registry.ts";
import { listDisagreements } from "../../contract/classifier-agreement.ts";
import { drawFaces, FACE_COUNT, type Expected } from "../../golden/network.ts";
import deepEmotion1 from "../../golden/deep-emotion-1.json" with { type: "json" };
import deepEmotion2 from "../../golden/deep-emotion-2.json" with { type: "json" };
import deepEmotion3 from "../../golden/deep-emotion-3.json" with { type: "json" };
import deepEmotion4 from "../../golden/deep-emotion-4.json" with { type: "json" };
import deepEmotionWide2 from "../../golden/deep-emotion-wide-2.json" with { type: "json" };
import plainNet2 from "../../golden/plain-net-2.json" with { type: "json" };

const sources = await listFolderModels();
const registry = createRegistry(sources);

/** Values of all faces as rows of `size`. */
function cutRows(values: Float32Array | null, size: number): number[][] {
  return Array.from({ length: FACE_COUNT }, (_, i) => Array.from(values?.subarray(i * size, (i + 1) * size) ?? []));
}

describe("shipped models", () => {
  it("are all in the Worker's bundle", async () => {
    const bundle = await readFile(new URL("../../../src/backends/models-workerd.ts", import.meta.url), "utf8");
    const bundled = [...bundle.matchAll(/createBundledSource\(\s*"([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(bundled)).toEqual(new Set(sources.map(({ id }) => id)));
    expect(bundled).toContain("deep-emotion@1");
  });

  for (const id of registry.list().filter((name) => !name.startsWith("hog-svm"))) {
    it(`${id} is what its card says, and the engine agrees with the oracle on it`, async () => {
      const model = await registry.load(id);
      const numbers = [...model.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
      const isGraph = model.card.family === "graph";
      expect(model.card.parameters).toBe(isGraph ? numbers : countParameters(readNetworkWidths(model.tensors)));
      const faces = drawFaces();
      const reference = await createOracle(model).classify(faces, FACE_COUNT);
      const classifier = await createTfjsWasmNodeClassifier(model);
      const scores = await classifier.classify(faces, FACE_COUNT);
      classifier.dispose();
      const expected = {
        probabilities: cutRows(reference.probabilities, LABEL_COUNT),
        theta: isGraph ? [] : cutRows(reference.theta, 6),
      };
      expect(listDisagreements(scores, expected)).toEqual([]);
    });
  }

  const goldens: [string, Expected][] = [
    ["deep-emotion@1", deepEmotion1],
    ["deep-emotion@2", deepEmotion2],
    ["deep-emotion@3", deepEmotion3],
    ["deep-emotion@4", deepEmotion4],
    ["deep-emotion-wide@2", deepEmotionWide2],
    ["plain-net@2", plainNet2],
  ];
  for (const [id, expected] of goldens) {
    it(`${id} scores as PyTorch does on its checkpoint`, async () => {
      const model = await registry.load(id);
      // PyTorch's values are before the temperature.
      const classifier = await createTfjsWasmNodeClassifier({ ...model, card: { ...model.card, temperature: null } });
      expect(listDisagreements(await classifier.classify(drawFaces(), FACE_COUNT), expected)).toEqual([]);
      classifier.dispose();
    });
  }
});
