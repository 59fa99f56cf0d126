/** Promises about models that others made. */

import { inPart, node, type Mutation } from "./mutation.ts";

const LIVE = "test/unit/model/live-registry.test.ts";
const NIGHTS = "test/unit/scoring/prior/schedule-carry.test.ts";
const ONNX = "test/unit/model/import/onnx.test.ts";

/** In the order of docs/proofs.md. */
export const STRANGERS_MODELS: readonly Mutation[] = inPart("Models of strangers", [
  {
    ...node,
    promise: "a stranger's model that is replaced scores nothing for jobs made before",
    test: LIVE,
    name: "are those that the job was made for",
    file: "src/backends/engine-shelf.ts",
    from: "if ((await hashScoring(again.card)) === form) return again;",
    to: "if (again !== null) return again;",
  },
  {
    ...node,
    promise: "a stranger's model whose store fails stops no other's job",
    test: LIVE,
    name: "do not stop others where the store fails",
    file: "src/model/live-registry.ts",
    from: 'if (!isKnown || wanted === "now") throw error;',
    to: "throw error;",
  },
  {
    ...node,
    promise: "a stranger's model opens no file but those beside it",
    test: ONNX,
    name: "are refused where they are not there",
    file: "src/model/import/read-network.ts",
    from: 'if (!/^[\\w.-]+$/.test(path) || path.startsWith("."))',
    to: 'if (path === "")',
  },
  {
    ...node,
    promise: "a stranger's model whose tensors lie over each other makes no more numbers than allowed",
    test: ONNX,
    name: "are refused where they are not there",
    file: "src/model/import/onnx/import-onnx.ts",
    from: "if (numbers > limits.maxWeights)",
    to: "if (numbers < 0)",
  },
  {
    ...node,
    promise: "a stranger's model that no isolate holds is refused by its card",
    test: "test/unit/cli/cli-models.test.ts",
    name: "refuses what it cannot take",
    file: "src/backends/graph/model-memory.ts",
    from: "if (bytes <= MAX_BYTES) return;",
    to: "if (bytes > 0) return;",
  },
  {
    ...node,
    promise: "a job's report quotes its model's card as it was when the job was made",
    test: NIGHTS,
    name: "carries over where nothing but figures and notices of the card changed",
    file: "src/scoring/finalize/finalize-deps.ts",
    from: "return spec.card?.reported ?? deps.readCard(spec.model);",
    to: "return deps.readCard(spec.model);",
  },
  {
    ...node,
    promise: "a schedule scores everything again where the card says something else of scores under the same weights",
    test: NIGHTS,
    name: "scores everything again where the card says something else of scores",
    file: "src/scoring/prior/carry.ts",
    from: "[CARD, made.modelForm],",
    to: "[CARD, null],",
  },
]);
