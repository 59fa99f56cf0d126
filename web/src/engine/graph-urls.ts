/** Addresses of the engine of graphs, which a page may start too; the others need their worker. */

import graphRelaxedUrl from "../../../src/backends/graph/graph-relaxed.wasm?url";
import graphSimdUrl from "../../../src/backends/graph/graph.wasm?url";

/** Its builds. */
export const GRAPH_URLS = { "graph-wasm-relaxed": graphRelaxedUrl, "graph-wasm-simd": graphSimdUrl };
