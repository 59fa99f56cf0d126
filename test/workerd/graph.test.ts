import { createGraphWorkerdClassifier, createGraphWorkerdEngine } from "../../src/backends/graph/graph-workerd.ts";
import { GRAPH_ENGINES } from "../../src/backends/graph/kernel.ts";
import { createTfjsGraphEngine } from "../../src/backends/tfjs-graph.ts";
import { createTfjsWasmWorkerdClassifier, startTfjsWasmWorkerd } from "../../src/backends/tfjs-wasm-workerd.ts";
import { WASM_BACKEND } from "../../src/backends/tfjs-wasm.ts";
import { describeGraphClassifier } from "../contract/graph-classifier.ts";
import { describeGraphEngine } from "../contract/graph-parity.ts";

for (const engine of GRAPH_ENGINES) {
  describeGraphEngine(`${engine} in workerd`, (network) => createGraphWorkerdEngine(network, engine));
  describeGraphClassifier(`${engine} in workerd`, engine, (model) => createGraphWorkerdClassifier(model, engine));
}
describeGraphEngine(
  "tfjs-wasm in workerd",
  async (network) => {
    await startTfjsWasmWorkerd();
    return createTfjsGraphEngine(network, WASM_BACKEND);
  },
  { networks: 10 },
);
describeGraphClassifier("tfjs-wasm in workerd", "tfjs-wasm-simd", (model) => createTfjsWasmWorkerdClassifier(model));
