/**
 * What a job of N single objects would cost and meet, from the limits and the protocol alone: `node scripts/simulate-scale.ts`.
 * The figures of docs/scale.md are its output.
 */

import type { ChunkRow } from "../src/scoring/job/chunk-row.ts";
import { emptyOutcomes } from "../src/scoring/job/outcome-counts.ts";
import { estimateJob } from "../src/scoring/plan/estimate.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { planChunks } from "../src/scoring/plan/plan-chunks.ts";
import type { InputItem } from "../src/scoring/records/input-item.ts";

const MIB = 1024 * 1024;
/** Bytes of one line of labels.jsonl, of one input line, of one object: as the portraits of the demo have. */
const RECORD_BYTES = 530;
const OBJECT_BYTES = 5000;

/** One full page as it would be planned, so that rows and lines have their real sizes. */
function planSamplePage(): { chunks: readonly ChunkRow[]; pageBytes: number } {
  const items = Array.from({ length: LIMITS.plan.maxItems }, (_, index): InputItem => {
    const key = `2026/11/22/camera-17/${String(index).padStart(9, "0")}.jpg`;
    return { index: 99_000_000 + index, id: key, key, size: OBJECT_BYTES, etag: "0123456789abcdef0123456789abcdef" };
  });
  const options = { chunkSize: LIMITS.defaultChunkSize, maxChunkBytes: LIMITS.maxChunkBytes, assumedBytes: 0 };
  const { chunks, body } = planChunks(
    items,
    "out/01a20a73-c9b0-7250-aec5-65bb5f64a079/work/input/0099000-1.jsonl",
    options,
  );
  return { chunks, pageBytes: body.length };
}

function simulate(objects: number): Record<string, string | number> {
  const { chunks: perPage, pageBytes } = planSamplePage();
  const pages = Math.ceil(objects / LIMITS.plan.maxItems);
  const chunks = pages * perPage.length;
  const planSteps = Math.ceil(pages / LIMITS.maxPagesPerPlanStep);
  const finalizeSteps = Math.ceil(chunks / LIMITS.maxChunksPerFinalizeStep) + 1;
  const result = { outcomes: emptyOutcomes(), errors: {}, records: 256, sha256: "0".repeat(64) };
  const row = {
    ...perPage[0]!,
    result: { ...result, bytes: 135_680, reads: 256, readBytes: 1_280_000, engine: "fused-wasm-relaxed" },
  };
  const rowBytes = JSON.stringify(row).length;
  const sizeParts = (bytes: number): number =>
    Math.max(LIMITS.multipartBytes, Math.ceil(bytes / LIMITS.maxMultipartParts / MIB) * MIB);
  // As finalize-merge.ts estimates rows; few of them failed.
  const partBytes = sizeParts(objects * 1600);
  const inputPartBytes = sizeParts(objects * 1000);
  const facts = {
    inputs: objects,
    bytes: objects * OBJECT_BYTES,
    chunks,
    pages,
    tta: "none",
    faces: "aligned",
  } as const;
  const estimate = estimateJob({ ...facts, packed: false, reads: objects });
  // Neighbors in a shard come in one read per chunk.
  const packed = estimateJob({ ...facts, packed: true, reads: chunks });
  return {
    objects,
    "listing pages": pages,
    "planning steps": planSteps,
    chunks,
    "finalizing steps": finalizeSteps,
    "queue messages": planSteps + chunks + finalizeSteps,
    "coordinator rows": chunks + pages,
    "coordinator GB": round((chunks * rowBytes + pages * 120) / 1e9),
    "coordinator rows written": estimate.operations.rowsWritten,
    "coordinator calls": 2 * (planSteps + chunks + finalizeSteps),
    "frozen input GB": round((pages * pageBytes) / 1e9),
    "labels.jsonl GB": round((objects * RECORD_BYTES) / 1e9),
    "multipart part MiB": partBytes / MIB,
    "held while merging, MiB (4 outputs)": (2 * partBytes + inputPartBytes + LIMITS.multipartBytes) / MIB,
    "CPU hours": round(estimate.cpuMs / 3.6e6),
    dollars: round(estimate.dollars),
    "dollars, packed as tar": round(packed.dollars),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const results = [100_000, 1_000_000, 10_000_000, 100_000_000].map(simulate);
const names = Object.keys(results[0]!);
process.stdout.write(`| | ${results.map(({ objects }) => Number(objects).toLocaleString("en")).join(" | ")} |\n`);
process.stdout.write(`| --- |${results.map(() => " ---: |").join("")}\n`);
for (const name of names.slice(1)) {
  process.stdout.write(`| ${name} | ${results.map((result) => result[name]!.toLocaleString("en")).join(" | ")} |\n`);
}
