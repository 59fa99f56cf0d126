import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { EngineName } from "../../src/backends/engine-table.ts";
import { createNodeClassifier } from "../../src/backends/engines-node.ts";
import { BUNDLED_MODELS_FOLDER, listFolderModels } from "../../src/backends/models-node.ts";
import { ScoringError } from "../../src/errors.ts";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { loadOptionalDecoder } from "../../src/image/optional-node.ts";
import { createFlipClassifier } from "../../src/model/flip.ts";
import { createRegistry, type Registry } from "../../src/model/registry.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import type { Scorer, ScorerOptions } from "../../src/scoring/chunk/scorer.ts";
import type { WorkDeps } from "../../src/scoring/work/work-deps.ts";
import type { EtagMemory } from "../../src/storage/filesystem/file-content.ts";
import { createFilesystemStore } from "../../src/storage/filesystem/filesystem-store.ts";
import { openNativeSha256 } from "./native-sha256.ts";
import type { JobDesk } from "./thread-calls.ts";

/** What a thread needs to know to work on a local job; crosses threads as a plain value. */
export interface LocalWorkOptions {
  readonly inputFolder: string;
  readonly outputFolder: string;
  /** Folder of the list that names the inputs, where there is one: the store `list`. */
  readonly listFolder: string | null;
  readonly engine: EngineName;
  /** Folder of models besides those that come with the project. */
  readonly modelsFolder?: string | null;
  /** How many threads work on the job. */
  readonly threads: number;
}

/** The models that come with the project, and those of a folder. @throws ScoringError `config_invalid` where both have one id */
export async function openRegistry(folder: string | null = null): Promise<Registry> {
  const own = folder === null ? [] : await listFolderModels(folder);
  return createRegistry([...(await listFolderModels(BUNDLED_MODELS_FOLDER)), ...own]);
}

/**
 * The folder of somebody's own models: the one that is named, or `models` here; `null` where there is none.
 * @throws ScoringError `validation_failed` if the named one does not exist
 */
export async function findModelsFolder(named: string | undefined): Promise<string | null> {
  const folder = resolve(named ?? "models");
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return folder === resolve(BUNDLED_MODELS_FOLDER) ? null : folder;
  if (named === undefined) return null;
  throw new ScoringError("validation_failed", `--models: ${named} is no folder`);
}

/** Opens the scorer of a job. */
type ScorerSource = (options: ScorerOptions) => Promise<Scorer>;

/**
 * Opens the scorers of one thread; each is loaded at its first use and kept.
 * @param loadOptional of createImageDecoder; without it pictures are decoded as a server does
 */
export function createScorerSource(
  engine: EngineName,
  models: string | null = null,
  loadOptional?: typeof loadOptionalDecoder,
): ScorerSource {
  const scorers = new Map<string, Promise<Scorer>>();
  async function openScorer({ model: id, tta, findsFaces }: ScorerOptions): Promise<Scorer> {
    const model = await (await openRegistry(models)).load(id);
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image, loadOptional);
    const plain = await createNodeClassifier(model, engine);
    const classifier = tta === "flip" ? createFlipClassifier(plain) : plain;
    const finder = findsFaces ? await (await import("../../src/backends/faces-node.ts")).createFaceFinderNode() : null;
    return { decoder, finder, classifier };
  }
  return (options) => {
    const key = `${options.model} ${options.tta} ${options.findsFaces}`;
    const scorer = scorers.get(key) ?? openScorer(options);
    scorers.set(key, scorer);
    return scorer;
  };
}

/** The ports of one thread, for a task with its own way to the job's desk. */
export type LocalWork = (desk: JobDesk) => WorkDeps;

/** Opens what the tasks of one thread share: folders as stores, one engine, one decoder. */
export async function createNodeWork(options: LocalWorkOptions, etags: EtagMemory): Promise<LocalWork> {
  const { inputFolder, outputFolder, listFolder, threads } = options;
  const stores = {
    input: createFilesystemStore(inputFolder, etags),
    output: createFilesystemStore(outputFolder),
    list: createFilesystemStore(listFolder ?? inputFolder),
  };
  const registry = await openRegistry(options.modelsFolder);
  const open = createScorerSource(options.engine, options.modelsFolder, loadOptionalDecoder);
  let lastTurn: Promise<unknown> = Promise.resolve();
  const shared: Omit<WorkDeps, "openJob" | "withScorer"> = {
    openStore: (name) => stores[name as keyof typeof stores],
    readCard: (model) => registry.card(model),
    // A step of one page: the first chunks are scored while the next pages are planned. All chunks in one: nothing is resumed.
    limits: {
      ...LIMITS,
      maxPagesPerPlanStep: 1,
      maxChunksPerFinalizeStep: Number.MAX_SAFE_INTEGER,
      scan: { ...LIMITS.scan, ranges: 1 },
    },
    openHash: openNativeSha256,
    ...(threads === 1 ? {} : { scorers: threads }),
  };
  return (desk) => ({
    ...shared,
    openJob: () => desk,
    withScorer(body) {
      const turn = lastTurn.then(() => body(countPictures(open, desk)));
      lastTurn = turn.catch(() => undefined);
      return turn;
    },
    ...(threads === 1
      ? {}
      : { formatting: { threads, formatChunk: (request) => desk.formatChunk(request), listen: setImmediate } }),
  });
}

/** How often a thread tells how far it is. */
const TELL_MS = 100;

/** A scorer of one chunk whose pictures are counted. */
function countPictures(open: ScorerSource, desk: Pick<JobDesk, "pictured">): ScorerSource {
  let count = 0;
  let toldMs = Date.now();
  return async (options) => {
    const scorer = await open(options);
    const decode: Scorer["decoder"]["decode"] = async (...args) => {
      const nowMs = Date.now();
      if (count > 0 && nowMs - toldMs >= TELL_MS) {
        toldMs = nowMs;
        void desk.pictured(count);
      }
      count += 1;
      return scorer.decoder.decode(...args);
    };
    return { ...scorer, decoder: { ...scorer.decoder, decode } };
  };
}
