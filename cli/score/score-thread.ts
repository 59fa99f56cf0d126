import type { MessagePort } from "node:worker_threads";
import type { WorkMessage } from "../../src/scoring/messages.ts";
import { handleMessage, type WorkDeps } from "../../src/scoring/work.ts";
import { connectCoordinator } from "./coordinator-rpc.ts";
import { createNodeWork, type LocalWorkOptions } from "./node-work.ts";
import type { JobCoordinator } from "../../src/scoring/coordinator-port.ts";

/** One message for this thread, and the way back to the coordinator for as long as it takes. */
export interface ThreadTask {
  readonly options: LocalWorkOptions;
  readonly message: WorkMessage;
  readonly port: MessagePort;
}

// The engine outlives a task; the coordinator's port does not, so the deps reach it through this.
let current: JobCoordinator | null = null;
let work: Promise<WorkDeps> | null = null;

const coordinator = new Proxy({} as JobCoordinator, {
  get: (_, method: string) => (method === "then" ? undefined : current?.[method as keyof JobCoordinator]),
});

/** Runs in a pool's thread, one task at a time. */
export default async function runTask({ options, message, port }: ThreadTask): Promise<void> {
  current = connectCoordinator(port);
  try {
    work ??= createNodeWork(options, coordinator);
    await handleMessage(await work, message);
  } finally {
    port.close();
  }
}
