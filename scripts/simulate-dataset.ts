/**
 * How long jobs of 1, 50 and 500 million packed faces with `output.layout: "dataset"` would take, and what they would cost:
 * `node scripts/simulate-dataset.ts`. What one step of merging, joining and planning takes is measured here, with the real code over a
 * store in memory; how long a store and the queue take to answer is assumed (the first lines of the output say so), and the rest follows
 * from the protocol. The figures of docs/scale.md are its output.
 */

import { nameProbabilities } from "../src/scoring/chunk/score-record.ts";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseModelCard } from "../src/model/card.ts";
import { LABELS } from "../src/model/labels.ts";
import { advanceRange, beginRange, type RangeCarry } from "../src/scoring/finalize/finalize-range.ts";
import type { FinalizeContext } from "../src/scoring/finalize/finalize-context.ts";
import { formatPieces } from "../src/scoring/finalize/format-pieces.ts";
import type { ChunkRow } from "../src/scoring/job/chunk-row.ts";
import { priceJob } from "../src/scoring/job/job-cost.ts";
import { createJob } from "../src/scoring/job/job-machine.ts";
import { makeRules } from "../src/scoring/job/job-rules.ts";
import type { JobState } from "../src/scoring/job/job-state.ts";
import { cutRanges } from "../src/scoring/job/merge-range.ts";
import { emptyOutcomes } from "../src/scoring/job/outcome-counts.ts";
import { carryKey, partKey, RANGE_NAMES } from "../src/scoring/keys.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { serializeItem } from "../src/scoring/inputs/frozen-line.ts";
import { estimateJob } from "../src/scoring/plan/estimate.ts";
import type { InputItem } from "../src/scoring/records/input-item.ts";
import { serializeRecords } from "../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../src/scoring/records/records.ts";
import { createMemoryStore } from "../src/storage/memory-store.ts";
import { meterStore } from "../src/storage/metered-store.ts";
import { makeSimulatedSpec, measurePlanning, refuse, SHARD } from "./measure-planning.ts";

/** Assumed: one call of a store, one of the coordinator, a row that it writes, and a message on its way, ms. */
const STORE_MS = 30;
const COORDINATOR_MS = 15;
const ROW_MS = 0.1;
const QUEUE_MS = 300;

const CARD = join(import.meta.dirname, "../models/deep-emotion@3/card.json");

const CHUNK = LIMITS.defaultChunkSize;
const CHUNKS = 2 * LIMITS.maxChunksPerFinalizeStep;
/** Bytes of one packed face with its header, as 48×48 JPEGs have in a tar. */
const FACE_BYTES = 1646;

/** A fixed sequence in 0…1. */
function createNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

function makeRecord(index: number, next: () => number): ScoreRecord {
  const raw = LABELS.map(() => next() ** 4);
  const sum = raw.reduce((a, b) => a + b, 0);
  const probabilities = raw.map((value) => value / sum);
  const sorted = probabilities.toSorted((a, b) => b - a);
  return {
    id: `faces/${String(index).padStart(9, "0")}.jpg`,
    key: `2026/11/shard-${String(Math.floor(index / 5000)).padStart(5, "0")}.tar`,
    etag: createHash("md5")
      .update(String(Math.floor(index / 5000)))
      .digest("hex"),
    status: "scored",
    label: LABELS[probabilities.indexOf(sorted[0]!)]!,
    probabilities: nameProbabilities(LABELS, probabilities),
    margin: sorted[0]! - sorted[1]!,
    entropy: -probabilities.reduce((total, p) => total + p * Math.log(p + 1e-12), 0),
    face: { box: { x: 0, y: 0, width: 48, height: 48 }, score: null, eyes: null, theta: null },
    groups: {},
    truth: null,
    quality: { brightness: 255 * next(), contrast: 100 * next(), side: 48 },
    model: "deep-emotion@3",
    pipeline: 3,
    error: null,
  };
}

/** Measures the steps of one range of {@link CHUNKS} chunks: what one costs, and how many bytes a row gets. */
async function measureMerging() {
  const inner = createMemoryStore();
  const store = meterStore(inner);
  const spec = makeSimulatedSpec();
  const next = createNumbers(1);
  const rows: ChunkRow[] = [];
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const first = chunk * CHUNK;
    const records = Array.from({ length: CHUNK }, (_, at) => makeRecord(first + at, next));
    const body = serializeRecords(records);
    const id = String(first).padStart(9, "0");
    await inner.put(partKey("out/job/", id), body);
    const items = records.map(({ id: name, key, etag }, at): InputItem => {
      return { index: first + at, id: name, key, size: 1134, etag, range: { offset: 512 + at * 2048, length: 1134 } };
    });
    const lines = items.map((item) => `${serializeItem(item)}\n`).join("");
    const pageKey = `out/job/work/input/${String(chunk).padStart(7, "0")}-1.jsonl`;
    await inner.put(pageKey, lines);
    const sha256 = createHash("sha256").update(body).digest("hex");
    const outcomes = { ...emptyOutcomes(), scored: CHUNK };
    const counted = { outcomes, errors: {}, records: CHUNK, sha256, bytes: body.length, reads: 1, readBytes: 0 };
    const place = { pageKey, offset: 0, length: lines.length, attempt: 1, expiries: 0, dueMs: 0 };
    rows.push({ id, first, count: CHUNK, ...place, status: "done", result: { ...counted, engine: "fused" } });
  }
  const inputs = CHUNKS * CHUNK;
  const created = createJob("job", makeRules(spec, LIMITS), 0).state;
  const state: JobState = {
    ...created,
    status: "finalizing",
    verdict: "completed",
    listed: inputs,
    records: inputs,
    outcomes: { ...emptyOutcomes(), scored: inputs },
    merge: cutRanges(inputs, inputs, inputs),
  };
  const card = parseModelCard(JSON.parse(await readFile(CARD, "utf8")));
  const context: FinalizeContext = { store, folder: "out/job/", spec, limits: LIMITS, state, card };
  const deps = { limits: LIMITS, openStore: () => store, openJob: () => refuse(), readCard: async () => card };
  const listChunks = async (from: number, limit: number) => rows.filter(({ first }) => first >= from).slice(0, limit);
  const steps: { cpuMs: number; reads: number; writes: number }[] = [];
  let heapBytes = 0;
  for (let carry: RangeCarry | null = beginRange(context, 0), step = 0; carry !== null; step++) {
    const before = { cpu: process.cpuUsage(), ...store.operations() };
    carry = await advanceRange(deps, {
      context,
      number: 0,
      generation: 0,
      carry,
      carryName: (name) => carryKey("out/job/", name, step, 1),
      listChunks,
      async *format(chunks, format) {
        for await (const piece of formatPieces(deps, context, chunks, format)) yield [piece];
      },
    });
    const cpu = process.cpuUsage(before.cpu);
    const { reads, writes } = store.operations();
    steps.push({ cpuMs: (cpu.user + cpu.system) / 1000, reads: reads - before.reads, writes: writes - before.writes });
    heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
  }
  const size = async (name: string): Promise<number> => (await inner.head(`out/job/${name}`))!.size / inputs;
  return {
    // The first compiles, the second is as the others.
    step: steps[1]!,
    parquetBytes: await size(RANGE_NAMES.labels(0, "parquet")),
    gzipBytes: await size(RANGE_NAMES.labels(0, "jsonl")),
    inputBytes: await size(RANGE_NAMES.input(0)),
    heapBytes,
  };
}

const merging = await measureMerging();
const planning = await measurePlanning();

function simulate(faces: number, consumers: number): Record<string, number> {
  const pages = Math.ceil(faces / LIMITS.plan.maxItems);
  const chunks = pages * Math.ceil(LIMITS.plan.maxItems / CHUNK);
  const facts = { inputs: faces, bytes: faces * FACE_BYTES, chunks, pages, reads: chunks } as const;
  const estimate = estimateJob({ ...facts, packed: true, tta: "none", faces: "aligned" });
  const hopMs = QUEUE_MS + 2 * COORDINATOR_MS;
  // The shards are listed and cut into ranges; each is listed by a chain of steps, with a state read and written.
  const shards = Math.ceil(faces / SHARD);
  const scans = Math.min(LIMITS.scan.ranges, shards);
  const scanSteps = Math.ceil(pages / scans / LIMITS.maxPagesPerPlanStep);
  const pageMs = planning.cpuMs + planning.calls * STORE_MS;
  const scanMs = (pages / scans) * pageMs + scanSteps * (hopMs + 2 * STORE_MS);
  // One step after the other takes what is listed.
  const chunksPerTake = Math.min(LIMITS.scan.chunksPerStep, (LIMITS.scan.rangesPerStep * chunks) / scans);
  const takes = Math.ceil(chunks / chunksPerTake);
  const listingMs = Math.ceil((chunksPerTake * scans) / chunks / 6) * STORE_MS;
  const takeMs = takes * (hopMs + listingMs) + chunks * (planning.takeCpuMs + ROW_MS);
  const splitMs = 2 * hopMs + LIMITS.maxPagesPerPlanStep * pageMs + Math.ceil(shards / 1000) * STORE_MS;
  const planMs = splitMs + Math.max(Math.ceil(scans / consumers) * scanMs, takeMs);
  const planSteps = 2 + takes + scans * scanSteps;
  // A chunk: its lines, one read of a shard, its part; messages wait in the queue while others are scored.
  const chunkMs = estimate.cpuMs / chunks + 3 * STORE_MS + 2 * COORDINATOR_MS;
  // The same consumers list.
  const scoreMs = splitMs + (chunks * chunkMs + scans * scanMs) / consumers;
  const ranges = Math.ceil(faces / LIMITS.dataset.partRows);
  const rangeChunks = Math.ceil(chunks / ranges);
  const rangeSteps = Math.ceil(rangeChunks / LIMITS.maxChunksPerFinalizeStep);
  const { step } = merging;
  // Two chunks are read at once, while one is formatted.
  const stepMs = step.cpuMs + (step.reads / 2 + step.writes) * STORE_MS + hopMs;
  const joinMs = ranges * 2 * STORE_MS + 2 * hopMs;
  const finishMs = Math.ceil(ranges / consumers) * rangeSteps * stepMs + joinMs;
  const steps = ranges * rangeSteps;
  const messages = planSteps + chunks + steps + 2;
  const priced = priceJob(estimate.cpuMs + steps * step.cpuMs, messages, {
    ...estimate.operations,
    classA: 2 * pages + chunks + steps * step.writes,
    classB: pages * planning.calls + 2 * chunks + steps * step.reads,
    queue: 3 * messages,
    durableObject: 2 * messages,
  });
  return {
    consumers,
    "ranges that are listed": scans,
    "planned after, minutes": planMs / 60_000,
    "scored after, minutes": Math.max(planMs, scoreMs) / 60_000,
    "finished after the last chunk, minutes": finishMs / 60_000,
    "with single files that would be, minutes": (steps * stepMs) / 60_000,
    parts: ranges,
    "messages of the queue": messages,
    "rows of the coordinator": chunks + pages + ranges + scans,
    "Parquet, GB": (faces * merging.parquetBytes) / 1e9,
    "JSONL, compressed, GB": (faces * merging.gzipBytes) / 1e9,
    dollars: priced.dollars,
  };
}

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const round = (value: number): string =>
  (value < 100 ? Math.round(value * 10) / 10 : Math.round(value)).toLocaleString("en");
write(
  `assumed: a store answers in ${STORE_MS} ms, the coordinator in ${COORDINATOR_MS} and ${ROW_MS} for each row, a message travels ${QUEUE_MS}`,
);
write(
  `measured: a merging step of ${LIMITS.maxChunksPerFinalizeStep * CHUNK} rows ${round(merging.step.cpuMs)} ms of CPU, ` +
    `${merging.step.reads} reads, ${merging.step.writes} writes; a row ${round(merging.parquetBytes)} bytes of Parquet, ` +
    `${round(merging.gzipBytes)} of compressed JSONL, ${round(merging.inputBytes)} of inputs; heap ${round(merging.heapBytes / 2 ** 20)} MiB ` +
    `with the store; a page of planning ${round(planning.cpuMs)} ms of CPU, ${round(planning.calls)} calls; ` +
    `taking a chunk ${planning.takeCpuMs.toFixed(3)} ms of CPU`,
);
const results = [1e6, 50e6, 500e6].flatMap((faces) =>
  [50, 250].map((consumers) => ({ faces, ...simulate(faces, consumers) })),
);
write(`| | ${results.map(({ faces }) => faces.toLocaleString("en")).join(" | ")} |`);
write(`| --- |${results.map(() => " ---: |").join("")}`);
for (const name of Object.keys(results[0]!).slice(1)) {
  const cells = results.map((result) => round(new Map(Object.entries(result)).get(name)!));
  write(`| ${name} | ${cells.join(" | ")} |`);
}
