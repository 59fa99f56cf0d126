import { createTfjsWasmWorkerdClassifier } from "../../src/backends/tfjs-wasm-workerd.ts";
import { describeClassifierParity } from "../contract/classifier-parity.ts";

describeClassifierParity("tfjs wasm in workerd", (model) => createTfjsWasmWorkerdClassifier(model));
