import type { MessagePort } from "node:worker_threads";
import { formatChunk, type FormatRequest } from "../../src/scoring/finalize/finalize-pieces.ts";
import type { FormattedPiece } from "../../src/scoring/finalize/merge-piece.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { handleMessage } from "../../src/scoring/work/handle-message.ts";
import type { EtagMemory } from "../../src/storage/filesystem/file-content.ts";
import { createNodeWork, type LocalWork, type LocalWorkOptions } from "./node-work.ts";
import { connectDesk, type DeskLine, type JobDesk, listBuffers } from "./thread-calls.ts";

/** One piece of work for this thread, and the way back to the desk for as long as it takes. */
export interface ThreadTask {
  readonly options: LocalWorkOptions;
  readonly work:
    | { readonly kind: "message"; readonly message: WorkMessage }
    | { readonly kind: "format"; readonly request: FormatRequest };
  readonly port: MessagePort;
}

let work: Promise<LocalWork> | null = null;

// The stores outlive a task and its line to the desk: they ask by any that is open.
const lines = new Set<DeskLine>();
const etags: EtagMemory = {
  recallEtag: async (file) => (await newestDesk()?.recallEtag(file)) ?? null,
  rememberEtag: async (file, etag) => newestDesk()?.rememberEtag(file, etag),
};

const newestDesk = (): JobDesk | undefined => [...lines].at(-1)?.desk;

/** Runs in a pool's thread, two tasks at a time; what a chunk was formatted to, else nothing. */
export default async function runTask(task: ThreadTask): Promise<FormattedPiece | null> {
  const line = connectDesk(task.port);
  lines.add(line);
  try {
    work ??= createNodeWork(task.options, etags);
    const deps = (await work)(line.desk);
    if (task.work.kind === "format") return await moveFormatted(await formatChunk(deps, task.work.request));
    await handleMessage(deps, task.work.message);
    return null;
  } finally {
    lines.delete(line);
    await line.close();
  }
}

/** Its bytes go to the other thread instead of a copy of them. */
async function moveFormatted(value: FormattedPiece): Promise<FormattedPiece> {
  // Needed at a job's end only: what a thread loads delays its first chunk.
  const { move, transferableSymbol, valueSymbol } = await import("piscina");
  const moved: unknown = move({ [transferableSymbol]: listBuffers(value), [valueSymbol]: value } as never);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the pool puts the value in its place
  return moved as FormattedPiece;
}
