import { rmdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { uuidv7 } from "uuidv7";
import { ScoringError } from "../../src/errors.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import { chooseFaceFinder, type JobSpec } from "../../src/scoring/job/job-spec.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import { type JobView, viewJob } from "../../src/scoring/job/job-view.ts";
import { jobFolder, workPrefix } from "../../src/scoring/keys.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { digestHex } from "../../src/scoring/sha256.ts";
import { createEtagMemory } from "../../src/storage/filesystem/file-content.ts";
import { SCRATCH_FOLDER } from "../../src/storage/filesystem/file-paths.ts";
import { type LocalWorkOptions, openRegistry } from "./node-work.ts";
import type { JobDesk } from "./thread-calls.ts";
import { startThreads, type Threads } from "./threads.ts";

/** A job on this machine: the same planning, chunks, records and outputs as on the platform, over folders. */
export interface LocalJobOptions extends Omit<LocalWorkOptions, "threads" | "listFolder"> {
  /** The manifest, with stores named `input`, `output` and, for a list of the inputs elsewhere, `list`. */
  readonly manifest: unknown;
  readonly listFolder?: string | null;
  /** Threads, each with an engine of its own; default: one a core. */
  readonly threads?: number;
  /** Told after each change. */
  readonly progressed?: (view: JobView) => void;
}

/**
 * Runs a job to its end.
 * @returns its last view; the outputs lie in `<outputFolder>/<view.output.prefix>`
 * @throws ScoringError `validation_failed`, `unknown_model`
 */
export async function runLocalJob(options: LocalJobOptions): Promise<JobView> {
  const { inputFolder, outputFolder, listFolder = null, engine, threads = availableParallelism() } = options;
  // They load their modules while the manifest is checked.
  const pool = startThreads({ inputFolder, outputFolder, listFolder, engine, threads });
  try {
    const spec = await acceptJob(options.manifest);
    try {
      return await driveLocalJob(spec, pool, options.progressed);
    } finally {
      await removeEmptyFolders(outputFolder, workPrefix(jobFolder(spec.manifest.output.prefix, spec.id)));
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

async function acceptJob(value: unknown): Promise<JobSpec> {
  const registry = await openRegistry();
  const facts = new Map([
    ["input", { versions: false }],
    ["output", { versions: false }],
    ["list", { versions: false }],
  ]);
  const knows = (reference: string): boolean => {
    try {
      return registry.resolve(reference) !== "";
    } catch {
      return false;
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
    modelSha256: card.sha256,
    pipeline: manifest.pipeline ?? card.pipeline,
    ...chooseFaceFinder(manifest),
    retryOf: null,
    owner: null,
  };
}

/**
 * Drives a job to its end; its last view. The queue is the threads' own: they take the next message as they become free. A thread that dies
 * costs the chunks that it had, which are halved, and a step its attempt.
 * @throws ScoringError `internal` if the job stops without an end; whatever a task throws
 */
export async function driveLocalJob(
  spec: JobSpec,
  threads: Threads,
  progressed: ((view: JobView) => void) | undefined,
): Promise<JobView> {
  const rows = createMemoryRows();
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const handle = async (message: WorkMessage): Promise<void> => {
    try {
      await threads.run({ kind: "message", message }, desk);
    } catch (error) {
      if (isThreadDeath(error)) await recover(message);
      else failures.push(error);
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
  const coordinator = createCoordinator({
    rows,
    clock: Date.now,
    queue: {
      send: async (messages) => {
        for (const { message, delaySeconds } of messages) {
          const later = delaySeconds > 0 ? wait(delaySeconds * 1000) : Promise.resolve();
          const task: Promise<void> = later.then(() => handle(message)).finally(() => underWay.delete(task));
          underWay.add(task);
        }
      },
    },
    announced: async (state) => progressed?.(viewJob(state, spec, Date.now())),
  });
  const desk: JobDesk = {
    ...coordinator,
    ...createEtagMemory(),
    async formatChunk(request) {
      const formatted = await threads.run({ kind: "format", request }, desk);
      if (formatted === null) throw new ScoringError("internal", "a thread gave nothing back");
      return formatted;
    },
  };
  await coordinator.create(spec);
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
