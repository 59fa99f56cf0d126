/** A Worker that runs the golden cases on its own engine and answers with what disagrees. */

import { createTfjsWasmWorkerdClassifier, startTfjsWasmWorkerd } from "../../../src/backends/tfjs-wasm-workerd.ts";
import { listDisagreements } from "../../contract/classifier-agreement.ts";
import { drawFaces, FACE_COUNT, listGoldenCases } from "../../golden/network.ts";

export default {
  async fetch(): Promise<Response> {
    const disagreements: string[] = [];
    const cases = listGoldenCases();
    for (const { model, expected } of cases) {
      const classifier = await createTfjsWasmWorkerdClassifier(model);
      disagreements.push(...listDisagreements(await classifier.classify(drawFaces(), FACE_COUNT), expected));
      classifier.dispose();
    }
    const { threads } = await startTfjsWasmWorkerd();
    const seesNode = typeof process === "object" && typeof process.versions?.node === "string";
    return Response.json({ cases: cases.length, disagreements, threads, seesNode });
  },
};
