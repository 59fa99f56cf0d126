/** What runs in a thread: the steps and chunks of jobs and, for the API, single pictures and faces. The rows stay in the main thread. */

import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { setImmediate } from "node:timers/promises";
import { listFolderModels } from "../backends/models-node.ts";
import { createTurns, type Turns } from "../jobs/turns.ts";
import type { Registry } from "../model/registry.ts";
import type { FaceFinder } from "../model/face-finder.ts";
import type { Scorer, ScorerOptions } from "../scoring/chunk/scorer.ts";
import type { Eraser } from "../scoring/erase/eraser-port.ts";
import type { JobCoordinator } from "../scoring/job/coordinator-port.ts";
import type { Directory } from "../scoring/job/job-directory.ts";
import type { WorkMessage } from "../scoring/job/messages.ts";
import { handleMessage } from "../scoring/work/handle-message.ts";
import type { WorkDeps } from "../scoring/work/work-deps.ts";
import type { EngineName } from "../backends/engine-table.ts";
import type { RawEnv } from "../settings.ts";
import { openModels, type StoreTable } from "../store-table.ts";
import { connectCalls, makeRemote, packReply, type Reply } from "./port-calls.ts";
import { createScorerSource, type ScorerSource } from "./scorer-source.ts";
import { openServeStores, parseWorkConfig, type WorkConfig } from "./serve-config.ts";

/** One method of a scorer, for the main thread. */
export type ScorerCall =
  | { readonly method: "describe" }
  | { readonly method: "decode"; readonly args: Parameters<Scorer["decoder"]["decode"]> }
  | { readonly method: "find"; readonly args: Parameters<FaceFinder["find"]> }
  | { readonly method: "classify"; readonly args: Parameters<Scorer["classifier"]["classify"]> };

/** One piece of work. */
export interface ThreadTask {
  /** The variables that `parseWorkConfig` reads. */
  readonly variables: RawEnv;
  readonly dataFolder: string;
  readonly threads: number;
  readonly work:
    | { readonly kind: "message"; readonly message: WorkMessage; readonly port: MessagePort }
    | {
        readonly kind: "scorer";
        readonly engine: EngineName;
        readonly options: ScorerOptions;
        readonly call: ScorerCall;
      };
}

interface Parts {
  readonly config: WorkConfig;
  readonly stores: StoreTable;
  readonly registry: Registry;
  readonly open: ScorerSource;
  readonly turns: Turns;
}

/** What the tasks of this thread share. */
const thread: { parts: Promise<Parts> | null; lastTurn: Promise<unknown> } = {
  parts: null,
  lastTurn: Promise.resolve(),
};

/** How far scoring yields to the API if there is not a core for each: 0 not at all, 19 as far as possible. */
const NICENESS = 5;

stepBack();

/** On Linux each thread has a priority of its own; elsewhere the priority is the whole process's, and is left alone. */
function stepBack(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), NICENESS);
  } catch {
    // Scoring then shares the cores as the system sees fit.
  }
}

async function openParts({ variables, dataFolder }: ThreadTask): Promise<Parts> {
  const config = parseWorkConfig(variables, dataFolder);
  const stores = await openServeStores(config);
  const registry = openModels(await listFolderModels(), stores, config.models);
  // A beat that fails is followed by others.
  const turns = createTurns(
    config.limits,
    () => Date.now(),
    () => {},
    setImmediate,
  );
  return { config, stores, registry, open: createScorerSource(registry), turns };
}

/** Engines are not safe for overlapping calls: one body after the other. */
function takeTurn<T>(body: () => Promise<T>): Promise<T> {
  const turn = thread.lastTurn.then(body);
  thread.lastTurn = turn.catch(() => undefined);
  return turn;
}

/** Runs in a pool's thread, two tasks at a time, of which one computes. */
export default function runTask(task: ThreadTask): Promise<Reply> {
  thread.parts ??= openParts(task);
  thread.parts.catch(() => (thread.parts = null));
  return packReply(thread.parts.then((opened) => runWork(opened, task)));
}

async function runWork(opened: Parts, { work, threads }: ThreadTask): Promise<unknown> {
  if (work.kind === "scorer") return takeTurn(() => callScorer(opened, work));
  const line = connectCalls(work.port);
  const { config, stores, registry, open, turns } = opened;
  const deps: WorkDeps = {
    openJob: (id) => makeRemote<JobCoordinator>(line, "job", id),
    openEraser: (id) => makeRemote<Eraser>(line, "eraser", id),
    chargeImages: (charge) => makeRemote<Directory>(line, "directory", "").chargeImages(charge),
    openStore: (name) => stores.open(name),
    withScorer: (body) => takeTurn(() => body((options) => open(config.engine, options))),
    readCard: (model) => registry.card(model),
    limits: config.limits,
    ...turns,
    ...(threads === 1 ? {} : { scorers: threads }),
    failed: (message, { code, detail, cause }) =>
      void line.call("directory", "", "workFailed", [message, { code, detail, cause: String(cause) }]),
  };
  try {
    await handleMessage(deps, work.message);
    return null;
  } finally {
    line.close();
  }
}

async function callScorer(
  { open }: Parts,
  { engine, options, call }: Extract<ThreadTask["work"], { kind: "scorer" }>,
): Promise<unknown> {
  const { decoder, finder, classifier } = await open(engine, options);
  switch (call.method) {
    case "describe": {
      const { model, labels, input, engine: name, batchSize } = classifier;
      return { model, labels, input, engine: name, batchSize, finder: finder?.name ?? null };
    }
    case "decode":
      return decoder.decode(...call.args);
    case "find":
      return (await finder?.find(...call.args)) ?? [];
    case "classify":
  }
  return classifier.classify(...call.args);
}
