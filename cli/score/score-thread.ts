import type { MessagePort } from "node:worker_threads";
import { formatChunk, type FormatRequest } from "../../src/scoring/finalize-pieces.ts";
import type { FormattedPiece } from "../../src/scoring/merge-piece.ts";
import type { WorkMessage } from "../../src/scoring/messages.ts";
import { handleMessage, type WorkDeps } from "../../src/scoring/work.ts";
import { createNodeWork, type LocalWorkOptions } from "./node-work.ts";
import { connectDesk, type JobDesk } from "./thread-calls.ts";

/** One piece of work for this thread, and the way back to the desk for as long as it takes. */
export interface ThreadTask {
  readonly options: LocalWorkOptions;
  readonly work:
    | { readonly kind: "message"; readonly message: WorkMessage }
    | { readonly kind: "format"; readonly request: FormatRequest };
  readonly port: MessagePort;
}

// The engine outlives a task; the desk's port does not, so the deps reach it through this.
let current: JobDesk | null = null;
let deps: Promise<WorkDeps> | null = null;

const desk = new Proxy({} as JobDesk, {
  get: (_, method: string) => (method === "then" ? undefined : current?.[method as keyof JobDesk]),
});

/** Runs in a pool's thread, one task at a time; what a chunk was formatted to, else nothing. */
export default async function runTask({ options, work, port }: ThreadTask): Promise<FormattedPiece | null> {
  current = connectDesk(port);
  try {
    deps ??= createNodeWork(options, desk);
    if (work.kind === "format") return await formatChunk(await deps, work.request);
    await handleMessage(await deps, work.message);
    return null;
  } finally {
    port.close();
  }
}
