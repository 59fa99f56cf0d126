/** The small outputs at the end: report.json, report.html, run.lock.json. */

import type { FinalizeContext } from "./finalize-context.ts";
import type { JobStatus } from "../job/job-status.ts";
import { OUTPUT_NAMES } from "../keys.ts";
import type { WrittenObject } from "../outputs/merged-output.ts";
import { drawThumbnails, type ThumbnailDeps } from "./draw-thumbnails.ts";
import { digestHex } from "../sha256.ts";
import { renderReportHtml } from "../report/report-html.ts";
import { buildReport } from "../report/report.ts";
import { buildRunLock } from "./run-lock.ts";
import type { RunDrift } from "../prior/compare-run.ts";
import type { ChunkSummary } from "../fold/summary.ts";

/** Writes them; their content depends only on the job's state, so a repeated step writes the same bytes. */
export async function writeReports(
  deps: ThumbnailDeps,
  context: FinalizeContext,
  summary: ChunkSummary,
  endStatus: JobStatus,
  { drift, baseline }: RunDrift,
): Promise<readonly WrittenObject[]> {
  const { spec, state, card } = context;
  const { manifest } = spec;
  const finishedMs = state.times.finalizing ?? state.createdMs;
  const report = buildReport(summary, {
    job: {
      id: spec.id,
      name: manifest.name ?? null,
      purpose: manifest.purpose ?? null,
      status: endStatus,
      createdAt: new Date(state.createdMs).toISOString(),
      finishedAt: new Date(finishedMs).toISOString(),
    },
    listed: state.listed,
    missingChunks: 0,
    card,
    engine: state.engines.join(", "),
    pipeline: spec.pipeline,
    faces: manifest.faces,
    faceFinder: spec.faceFinder ?? null,
    tta: manifest.tta,
    abstain: manifest.abstain?.precision ?? null,
    minGroupSize: manifest.minGroupSize,
    controller: spec.controller ?? null,
    retentionDays: manifest.output.retentionDays ?? null,
    store: manifest.input.store,
    drift,
    baseline,
    reviewed: spec.schedule?.reviewed ?? [],
  });
  const lock = buildRunLock(context, endStatus, finishedMs);
  const { examples, ...figures } = summary;
  const pictures = manifest.thumbnails === true ? await drawThumbnails(deps, spec, examples) : [];
  // What is compared with later holds figures only.
  const stored = JSON.stringify(figures);
  return [
    // Later runs of the schedule are compared with the fold itself.
    ...(spec.schedule === undefined
      ? []
      : [await writeText(context, OUTPUT_NAMES.summary, "application/json", `${stored}\n`)]),
    await writeText(context, OUTPUT_NAMES.reportJson, "application/json", `${JSON.stringify(report, null, 2)}\n`),
    await writeText(context, OUTPUT_NAMES.reportHtml, "text/html; charset=utf-8", renderReportHtml(report, pictures)),
    await writeText(context, OUTPUT_NAMES.runLock, "application/json", `${JSON.stringify(lock, null, 2)}\n`),
  ];
}

async function writeText(
  context: FinalizeContext,
  name: string,
  contentType: string,
  text: string,
): Promise<WrittenObject> {
  const bytes = new TextEncoder().encode(text);
  await context.store.put(`${context.folder}${name}`, bytes, { contentType });
  return { name, bytes: bytes.length, sha256: await digestHex(bytes) };
}
