import { createFusedWorkerdClassifier } from "../../src/backends/fused/fused-workerd.ts";
import { describeFusedEngine } from "../contract/fused-kernel.ts";

describeFusedEngine("workerd", "fused-wasm-relaxed", (model) => createFusedWorkerdClassifier(model));
describeFusedEngine("workerd", "fused-wasm-simd", (model) =>
  createFusedWorkerdClassifier(model, { engine: "fused-wasm-simd" }),
);
