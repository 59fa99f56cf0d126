/** The tracer of the runtime that this Worker runs in. */

import * as runtime from "cloudflare:workers";
import type { Tracing } from "./platform-spans.ts";

/** Taken from the whole module: a runtime without a tracer would refuse an import by name. */
export const tracing: Tracing = runtime.tracing;
