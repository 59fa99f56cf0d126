import { createGraphWorkerdEngine } from "../../src/backends/graph/graph-workerd.ts";
import { GRAPH_ENGINES } from "../../src/backends/graph/graph-engine.ts";
import { describeGraphEngine } from "../contract/graph-parity.ts";

for (const engine of GRAPH_ENGINES) {
  describeGraphEngine(`${engine} in workerd`, (network) => createGraphWorkerdEngine(network, engine));
}
