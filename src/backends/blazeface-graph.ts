/** BlazeFace on any engine of graphs. */

import { ScoringError } from "../errors.ts";
import type { BlazeFaceNetwork } from "../model/blazeface.ts";
import type { GraphEngine } from "./graph/graph-engine.ts";

/** @param engine with the detector's network; disposed of with it */
export function createBlazeFaceNetwork(engine: GraphEngine): BlazeFaceNetwork {
  return {
    async run(rgb, width, height) {
      const outputs = await engine.run(rgb, height, width);
      const read = (name: string): Float32Array => {
        const value = outputs.get(name);
        if (value === undefined) throw new ScoringError("model_invalid", `the face detector has no output ${name}`);
        return value.data;
      };
      return {
        nearScores: read("nearScores"),
        nearValues: read("nearValues"),
        farScores: read("farScores"),
        farValues: read("farValues"),
      };
    },
    dispose: () => engine.dispose(),
  };
}
