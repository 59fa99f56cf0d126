import { readFile, rmdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { uuidv7 } from "uuidv7";
import { ScoringError, toScoringError } from "../../src/errors.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import {
  chooseFaceFinder,
  chooseLabels,
  labelsOf,
  chooseThresholds,
  type JobSpec,
} from "../../src/scoring/job/job-spec.ts";
import { pinModel } from "../../src/scoring/job/pinned-model.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import { type JobView, viewJob } from "../../src/scoring/job/job-view.ts";
import { jobFolder, partKey, workPrefix } from "../../src/scoring/keys.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { digestHex } from "../../src/scoring/sha256.ts";
import { createEtagMemory } from "../../src/storage/filesystem/file-content.ts";
import { SCRATCH_FOLDER } from "../../src/storage/filesystem/file-paths.ts";
import { type LocalWorkOptions, openRegistry } from "./node-work.ts";
import type { JobDesk } from "./thread-calls.ts";
import { startThreads, type Threads } from "./threads.ts";
import { keepRun, listRows, listUnfinished, resumeRun, reviveRows, type RunIdentity } from "./unfinished.ts";

/** How a run begins. */
export interface BegunRun {
  readonly resumed: boolean;
  /** Whether an earlier run of the same is left behind. */
  readonly unfinished: boolean;
  /** Chunks that are done already. */
  readonly finished: readonly string[];
  /** The model's. */
  readonly labels: readonly string[];
  /** A chunk's records. */
  readPart(chunkId: string): Promise<Uint8Array>;
}

/** Told of a job under way. */
export interface LocalWatcher {
  /** After each change. @param done pictures of chunks that are still under way */
  progressed?(view: JobView, done: number): void;
  /** A chunk is done: its part is stored. */
  finished?(chunkId: string): void;
}

/** A job on this machine: the same planning, chunks, records and outputs as on the platform, over folders. */
export interface LocalJobOptions extends Omit<LocalWorkOptions, "threads" | "listFolder"> {
  /** The manifest, with stores named `input`, `output` and, for a list of the inputs elsewhere, `list`. */
  readonly manifest: unknown;
  readonly listFolder?: string | null;
  /** Threads, each with an engine of its own; default: one per core. */
  readonly threads?: number;
  /** Goes on with the newest run of the same inputs and options that did not end, if there is one. */
  readonly resume?: boolean;
  /** Told once: whether it goes on with an earlier run, or leaves one behind. */
  readonly begun?: (run: BegunRun) => void;
  readonly watcher?: LocalWatcher;
}

/**
 * Runs a job to its end. What it has done is kept as it goes: where the process dies, `resume` goes on there.
 * @returns its last view; the outputs lie in `<outputFolder>/<view.output.prefix>`
 * @throws ScoringError `validation_failed`, `unknown_model`
 */
export async function runLocalJob(options: LocalJobOptions): Promise<JobView> {
  const {
    inputFolder,
    outputFolder,
    listFolder = null,
    modelsFolder = null,
    engine,
    threads = availableParallelism(),
  } = options;
  // They load their modules while the manifest is checked.
  const pool = startThreads({ inputFolder, outputFolder, listFolder, engine, modelsFolder, threads });
  try {
    const accepted = await acceptJob(options.manifest, modelsFolder);
    const { manifest } = accepted;
    const identity: RunIdentity = { inputFolder, listFolder, engine, manifest };
    const [newest] = await listUnfinished(outputFolder, identity);
    const goesOn = options.resume === true && newest !== undefined;
    const kept = goesOn ? await resumeRun(newest) : await keepRun(outputFolder, accepted.id, identity);
    // Nothing was planned yet where the process before died at once.
    const spec = kept.journal.rows.readSpec() ?? accepted;
    const { rows } = kept.journal;
    const folder = jobFolder(spec.manifest.output.prefix, spec.id);
    options.begun?.({
      resumed: goesOn,
      unfinished: !goesOn && newest !== undefined,
      finished: listRows(rows).flatMap(({ id, status }) => (status === "done" ? [id] : [])),
      labels: labelsOf(spec),
      readPart: (chunkId) => readFile(join(outputFolder, partKey(folder, chunkId))),
    });
    let ended = false;
    try {
      const view = await driveLocalJob(spec, pool, options.watcher, rows);
      ended = true;
      return view;
    } finally {
      await kept.release(ended);
      await removeEmptyFolders(outputFolder, workPrefix(folder));
    }
  } finally {
    await pool.close();
  }
}

/** A bucket has no folders to leave behind; a disk does. Those that still hold something stay. */
async function removeEmptyFolders(outputFolder: string, work: string): Promise<void> {
  for (const folder of [`${work}input`, `${work}carry`, work, SCRATCH_FOLDER]) {
    await rmdir(join(outputFolder, folder)).catch(() => undefined);
  }
}

async function acceptJob(value: unknown, modelsFolder: string | null): Promise<JobSpec> {
  const registry = await openRegistry(modelsFolder);
  const facts = new Map([
    ["input", { versions: false }],
    ["output", { versions: false }],
    ["list", { versions: false }],
  ]);
  const knows = (reference: string): boolean | string => {
    try {
      return registry.resolve(reference) !== "";
    } catch (error) {
      return toScoringError(error).detail;
    }
  };
  const manifest = parseManifest(value, facts, knows);
  const card = await registry.card(manifest.model);
  return {
    id: uuidv7(),
    createdMs: Date.now(),
    manifest,
    manifestSha256: await digestHex(new TextEncoder().encode(JSON.stringify(manifest))),
    model: registry.resolve(manifest.model),
    ...(await pinModel(card, manifest)),
    ...chooseLabels(manifest, card),
    ...chooseThresholds(manifest, card),
    ...chooseFaceFinder(manifest),
    retryOf: null,
    owner: null,
  };
}

/**
 * Drives a job to its end; its last view. The queue is the threads' own: they take the next message as they become free. A thread that dies
 * costs the chunks that it had, which are halved, and a step its attempt.
 * @param rows where they hold a job already, it goes on
 * @throws ScoringError `internal` if the job stops without an end; whatever a task throws
 */
export async function driveLocalJob(
  spec: JobSpec,
  threads: Threads,
  watcher: LocalWatcher | undefined,
  rows: JobRows = createMemoryRows(),
): Promise<JobView> {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const pictures = new Map<WorkMessage, number>();
  const tell = (): void => {
    const state = rows.readState();
    if (state === null) return;
    const done = [...pictures.values()].reduce((sum, count) => sum + count, 0);
    watcher?.progressed?.(viewJob(state, spec, Date.now()), done);
  };
  const handle = async (message: WorkMessage): Promise<void> => {
    const pictured = async (count: number): Promise<void> => {
      pictures.set(message, count);
      tell();
    };
    const finish: JobDesk["finish"] = async (chunkId, result) => {
      pictures.delete(message);
      const accepted = await coordinator.finish(chunkId, result);
      if (accepted) watcher?.finished?.(chunkId);
      return accepted;
    };
    try {
      await threads.run({ kind: "message", message }, { ...desk, pictured, finish });
    } catch (error) {
      if (isThreadDeath(error)) await recover(message);
      else failures.push(error);
    } finally {
      pictures.delete(message);
    }
  };
  /** What a thread was about when it died may have been another's doing: two tasks share one. */
  async function recover(message: WorkMessage): Promise<void> {
    const { kind } = message;
    if (kind === "score") await coordinator.loseChunk(message.chunkId);
    if (kind !== "plan" && kind !== "finalize") return;
    const attempt = rows.readState()?.[kind].attempt ?? 0;
    const failure = { code: "internal", message: `a thread died at the ${kind} step ${message.step}` } as const;
    // Refused where the step had not begun: then its message is all that was lost.
    if (!(await coordinator.retryTask(kind, message.step, attempt, failure, null))) await handle(message);
  }
  const send = (message: WorkMessage, delaySeconds: number): void => {
    const later = delaySeconds > 0 ? wait(delaySeconds * 1000) : Promise.resolve();
    const task: Promise<void> = later.then(() => handle(message)).finally(() => underWay.delete(task));
    underWay.add(task);
  };
  const coordinator = createCoordinator({
    rows,
    clock: Date.now,
    queue: {
      send: async (messages) => {
        for (const { message, delaySeconds } of messages) send(message, delaySeconds);
      },
    },
    announced: async () => tell(),
  });
  const desk: JobDesk = {
    ...coordinator,
    ...createEtagMemory(),
    async formatChunk(request) {
      const formatted = await threads.run({ kind: "format", request }, desk);
      if (formatted === null) throw new ScoringError("internal", "a thread gave nothing back");
      return formatted;
    },
    pictured: async () => {},
  };
  const left = reviveRows(rows, Date.now());
  await coordinator.create(spec);
  for (const message of left) send(message, 0);
  while (underWay.size > 0) {
    await Promise.race(underWay);
    if (failures.length > 0) throw failures[0];
  }
  const state = rows.readState();
  if (state === null || !isEnded(state.status)) {
    throw new ScoringError("internal", "the job stopped without an end; this is a fault of the program");
  }
  return viewJob(state, spec, Date.now());
}

/** A thread ran out of memory or was ended: what an expired lease is on the platform. Anything else is a fault of ours. */
function isThreadDeath(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    ["ERR_WORKER_OUT_OF_MEMORY", "ERR_WORKER_TERMINATED"].includes(String(error.code))
  );
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
