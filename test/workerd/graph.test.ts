import { createGraphWorkerdClassifier, createGraphWorkerdEngine } from "../../src/backends/graph/graph-workerd.ts";
import { GRAPH_ENGINES } from "../../src/backends/graph/kernel.ts";
import { createTfjsWasmWorkerdClassifier } from "../../src/backends/tfjs-wasm-workerd.ts";
import { describeGraphClassifier } from "../contract/graph-classifier.ts";
import { describeGraphEngine } from "../contract/graph-parity.ts";

for (const engine of GRAPH_ENGINES) {
  describeGraphEngine(`${engine} in workerd`, (network) => createGraphWorkerdEngine(network, engine));
  describeGraphClassifier(`${engine} in workerd`, engine, (model) => createGraphWorkerdClassifier(model, engine));
}
describeGraphClassifier("tfjs-wasm in workerd", "tfjs-wasm-simd", (model) => createTfjsWasmWorkerdClassifier(model));
