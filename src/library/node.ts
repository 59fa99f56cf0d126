/**
 * `countenance` in Node, Bun and Deno: scores pictures, aggregates their records, renders the report.
 * @packageDocumentation
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createNodeClassifier } from "../backends/engines-node.ts";
import { BUNDLED_MODELS_FOLDER, listFolderModels } from "../backends/models-node.ts";
import { ScoringError } from "../errors.ts";
import { loadCodecs } from "../image/codecs-node.ts";
import { createImageDecoder } from "../image/decode.ts";
import { loadOptionalDecoder } from "../image/optional-node.ts";
import { createRegistry, type Registry } from "../model/registry.ts";
import { LIMITS } from "../scoring/limits.ts";
import type { ScoreRecord } from "../scoring/records/records.ts";
import type { Report } from "../scoring/report/report.ts";
import { type AggregateOptions, aggregateRecords } from "./aggregate.ts";
import {
  createPictureScorer,
  isPictureBytes,
  type PictureBytes,
  type PictureScorer,
  type PictureScorerOptions,
  readPictureBytes,
} from "./picture-scorer.ts";

export * from "./public-types.ts";

/** A picture's path or `file:` address, its bytes, or something that gives them. */
export type Picture = PictureBytes | string | URL;

/** Where models are looked up, beside {@link PictureScorerOptions}. */
export interface ScorerOptions extends PictureScorerOptions {
  /** A folder of `name@version/` with `card.json` and `weights.safetensors`; default the models of the package. */
  readonly models?: string;
}

/**
 * Opens a scorer.
 * @throws ScoringError `unknown_model`, `model_invalid`, `engine_unavailable`
 * @example
 * ```ts
 * import { createScorer } from "countenance";
 *
 * const scorer = await createScorer({ faces: "largest" });
 * const [record] = await scorer.score("portrait.jpg");
 * console.log(record.label, record.probabilities);
 * ```
 */
export async function createScorer(options: ScorerOptions = {}): Promise<PictureScorer<Picture>> {
  return createPictureScorer(
    {
      registry: await openRegistry(options.models),
      loadDecoder: async () => createImageDecoder(await loadCodecs(), LIMITS.image, loadOptionalDecoder),
      loadFinder: async () => (await import("../backends/faces-node.ts")).createFaceFinderNode(),
      createClassifier: createNodeClassifier,
      read: readPicture,
      isPicture: (value) => typeof value === "string" || value instanceof URL || isPictureBytes(value),
    },
    options,
  );
}

/**
 * The report of some records of one model: shares of labels with intervals, denominators, provenance.
 * @throws ScoringError `validation_failed` without a record, `internal` where models or pipelines are mixed, `unknown_model`
 * @example
 * ```ts
 * const report = await aggregate(scorer.scoreAll(paths), { groupBy: ["night"] });
 * await writeFile("report.html", renderReport(report));
 * ```
 */
export async function aggregate(
  records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  options: AggregateOptions & Pick<ScorerOptions, "models"> = {},
): Promise<Report> {
  return aggregateRecords(await openRegistry(options.models), records, options);
}

async function openRegistry(models: string = BUNDLED_MODELS_FOLDER): Promise<Registry> {
  return createRegistry(await listFolderModels(models));
}

async function readPicture(picture: Picture): Promise<{ bytes: Uint8Array; name: string | null }> {
  if (typeof picture !== "string" && !(picture instanceof URL)) return readPictureBytes(picture);
  const path = picture instanceof URL ? fileURLToPath(picture) : picture;
  try {
    return { bytes: await readFile(path), name: path };
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (!isMissing) throw cause;
    throw new ScoringError("object_missing", `${path}: no such file`, { cause });
  }
}
