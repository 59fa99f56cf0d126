/**
 * `countenance` in a Cloudflare Worker: scores pictures, aggregates their records, renders the report.
 * @packageDocumentation
 */

import { createWorkerdClassifier } from "../backends/engines-workerd.ts";
import { createFaceFinderWorkerd } from "../backends/faces-workerd.ts";
import { listBundledModels } from "../backends/models-workerd.ts";
import { loadCodecs } from "../image/codecs-workerd.ts";
import { createImageDecoder } from "../image/decode.ts";
import { createRegistry } from "../model/registry.ts";
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

/** A picture's bytes, or something that gives them. */
export type Picture = PictureBytes;

/** See {@link PictureScorerOptions}. */
export type ScorerOptions = PictureScorerOptions;

/** Opens a scorer. @throws ScoringError `unknown_model`, `model_invalid`, `engine_unavailable` */
export async function createScorer(options: ScorerOptions = {}): Promise<PictureScorer> {
  return createPictureScorer(
    {
      registry: createRegistry(listBundledModels()),
      loadDecoder: async () => createImageDecoder(await loadCodecs(), LIMITS.image),
      loadFinder: createFaceFinderWorkerd,
      createClassifier: createWorkerdClassifier,
      read: readPictureBytes,
      isPicture: isPictureBytes,
    },
    options,
  );
}

/**
 * The report of some records of one model: shares of labels with intervals, denominators, provenance.
 * @throws ScoringError `validation_failed` without a record, `internal` where models or pipelines are mixed, `unknown_model`
 */
export async function aggregate(
  records: AsyncIterable<ScoreRecord> | Iterable<ScoreRecord>,
  options: AggregateOptions = {},
): Promise<Report> {
  return aggregateRecords(createRegistry(listBundledModels()), records, options);
}
