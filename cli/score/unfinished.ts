import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type FolderLock, lockFile } from "../../src/serve/folder-lock.ts";
import type { ChunkRow } from "../../src/scoring/job/chunk-row.ts";
import type { JobRows } from "../../src/scoring/job/job-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { SCRATCH_FOLDER } from "../../src/storage/filesystem/file-paths.ts";
import { type Journal, makeJournal, openJournal, readHeader } from "./journal.ts";

/** What must be the same for a run to go on with another's work. */
export interface RunIdentity {
  readonly inputFolder: string;
  readonly listFolder: string | null;
  readonly engine: string;
  readonly manifest: unknown;
}

/** A run whose rows are kept until it has ended. */
export interface KeptRun {
  readonly journal: Journal;
  /** Whether it goes on with what an earlier process left. */
  readonly resumed: boolean;
  /** @param ended whether there is nothing to go on with */
  release(ended: boolean): Promise<void>;
}

const ENDING = ".jsonl";

/** The runs of these inputs that did not end, the newest first. */
export async function listUnfinished(outputFolder: string, identity: RunIdentity): Promise<readonly string[]> {
  const folder = join(outputFolder, SCRATCH_FOLDER);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(ENDING));
  return names
    .toSorted()
    .toReversed()
    .map((name) => join(folder, name))
    .filter((path) => isDeepStrictEqual(readHeader(path), toHeader(identity)));
}

/** Keeps a new run. @param id of its job */
export async function keepRun(outputFolder: string, id: string, identity: RunIdentity): Promise<KeptRun> {
  const folder = join(outputFolder, SCRATCH_FOLDER);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${id}${ENDING}`);
  const lock = await lockFile(path);
  makeJournal(path, toHeader(identity));
  return wrap(path, lock, false);
}

/** Goes on with a run. @throws ScoringError `config_invalid` where its process still lives */
export async function resumeRun(path: string): Promise<KeptRun> {
  return wrap(path, await lockFile(path), true);
}

function wrap(path: string, lock: FolderLock, resumed: boolean): KeptRun {
  const journal = openJournal(path);
  return {
    journal,
    resumed,
    async release(ended) {
      journal.close();
      if (ended) await rm(path, { force: true });
      await lock.release();
    },
  };
}

/** As it is read back. */
function toHeader(identity: RunIdentity): unknown {
  return JSON.parse(JSON.stringify(identity));
}

/**
 * Takes back what a dead process held, which was at no fault: its chunks and steps go out again as they were.
 * @returns the messages that died with it
 */
export function reviveRows(rows: JobRows, nowMs: number): readonly WorkMessage[] {
  const state = rows.readState();
  if (state === null) return [];
  const { id: jobId, rules, chunks } = state;
  const held = listRows(rows).filter(({ status }) => status === "leased" || status === "queued");
  const dueMs = nowMs + rules.resendMs;
  const steps = (["plan", "finalize"] as const).filter((task) => ["sent", "leased"].includes(state[task].status));
  rows.transaction(() => {
    for (const row of held) rows.writeChunk({ ...row, status: "queued", dueMs });
    rows.writeState({
      ...state,
      chunks: { ...chunks, queued: chunks.queued + chunks.leased, leased: 0 },
      ...Object.fromEntries(steps.map((task) => [task, { ...state[task], status: "sent", dueMs }])),
    });
  });
  return [
    ...steps.map((kind): WorkMessage => ({ kind, jobId, step: state[kind].step })),
    ...held.map(({ id }): WorkMessage => ({ kind: "score", jobId, chunkId: id })),
  ];
}

/** All chunks that are not split, in input order. */
export function listRows(rows: JobRows): readonly ChunkRow[] {
  return rows.listChunks(0, Number.MAX_SAFE_INTEGER);
}
