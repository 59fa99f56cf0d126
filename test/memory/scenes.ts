/**
 * The largest work that the limits allow, in a process of its own: `node scenes.ts <scene> <folder>` prints what was alive at most, JSON.
 * The folder holds the pictures; memory.test.ts makes it, so that making them costs nothing here.
 */

import { createScorerSource, openRegistry } from "../../cli/score/node-work.ts";
import { createCoordinator } from "../../src/scoring/job/coordinator.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { JobSpec } from "../../src/scoring/job/job-spec.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { parseManifest } from "../../src/scoring/manifest/manifest.ts";
import { createMemoryRows } from "../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { handleMessage } from "../../src/scoring/work/handle-message.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import { createFilesystemStore } from "../../src/storage/filesystem/filesystem-store.ts";
import { type MergeScene, openMergeScene, prepareMerge } from "./merge-scene.ts";
import { createMemoryWatch, watchScorer, watchStore } from "./watch.ts";

const [, , scene = "", folder = ""] = process.argv;
const watch = createMemoryWatch();
const store = watchStore(createFilesystemStore(folder), watch.look);
const registry = await openRegistry();
const openScorer = createScorerSource("fused");

/** What a process prepared for the next. */
const PREPARED = "out/prepared.json";

const MODEL = "deep-emotion@3";
// An isolate keeps its engines, whatever the job at hand needs.
const scorer = watchScorer(await openScorer({ model: MODEL, tta: "none", findsFaces: true }), watch.look);

function makeSpec(manifest: Record<string, unknown>): JobSpec {
  const parsed = parseManifest(
    {
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl", "csv", "parquet"] },
      model: MODEL,
      ...manifest,
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  const hash = "0".repeat(64);
  const made = { createdMs: 1_800_000_000_000, manifestSha256: hash, modelSha256: hash, pipeline: 1 } as const;
  return { id: "job", manifest: parsed, model: MODEL, retryOf: null, owner: null, ...made };
}

function makeDeps(openJob: WorkDeps["openJob"]): WorkDeps {
  return {
    openJob,
    openStore: () => store,
    withScorer: (body) => body(async (options) => ({ ...scorer, finder: options.findsFaces ? scorer.finder : null })),
    readCard: (model) => registry.card(model),
    limits: LIMITS,
    failed: (message, error) => {
      throw new Error(`${message.kind}: ${error.code} ${error.detail}`, { cause: error });
    },
  };
}

/** One job from its first planning step to its end. */
async function runJob(manifest: Record<string, unknown>): Promise<string> {
  const waiting: WorkMessage[] = [];
  const rows = createMemoryRows();
  const queue = {
    async send(messages: readonly { readonly message: WorkMessage }[]) {
      waiting.push(...messages.map(({ message }) => message));
    },
  };
  const coordinator = createCoordinator({ rows, queue, clock: () => 1_800_000_000_000, limits: LIMITS });
  const deps = makeDeps(() => coordinator);
  await coordinator.create(makeSpec(manifest));
  for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
    await handleMessage(deps, message);
  }
  const { status, outcomes } = rows.readState()!;
  if (!isEnded(status)) throw new Error(`the job stands at ${status}`);
  return `${status} ${JSON.stringify(outcomes)}`;
}

async function runScene(): Promise<string> {
  switch (scene) {
    case "photographs":
      return runJob({ input: { store: "faces", prefix: "photographs/" }, faces: "all" });
    case "png":
      return runJob({ input: { store: "faces", prefix: "png/" }, faces: "largest" });
    case "large":
      return runJob({ input: { store: "faces", prefix: "large/" } });
    case "unknown":
      return runJob({ input: { store: "faces", manifest: { key: "unknown.jsonl" } } });
    case "packed":
      return runJob({ input: { store: "faces", prefix: "packed/" }, format: "tar", limits: { chunkSize: 1000 } });
    case "prepare-merge":
    case "prepare-parquet": {
      const bare = createFilesystemStore(folder);
      const kind = scene === "prepare-merge" ? "merge" : "parquet";
      const prepared = await prepareMerge(kind, makeSpec, { store: bare, readCard: (model) => registry.card(model) });
      await bare.put(PREPARED, JSON.stringify(prepared));
      return "prepared";
    }
    case "merge":
    case "parquet": {
      const bytes = await readObject(createFilesystemStore(folder), PREPARED, 1e7);
      const prepared = parseStored<MergeScene>(new TextDecoder().decode(bytes!));
      const deps = makeDeps(() => openMergeScene(prepared));
      await handleMessage(deps, { kind: "finalize", jobId: "job", step: prepared.ticket.step });
      return "merged";
    }
    default:
      throw new Error(`no scene ${scene}`);
  }
}

const ended = await runScene();
console.log(JSON.stringify({ ...watch.peak, ended, rss: process.resourceUsage().maxRSS * 1024 }));
