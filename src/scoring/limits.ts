/**
 * Every limit of the engine in one object, each with the reason or the attack that it stops. Image, model and storage
 * code takes its limits as parameters; the numbers live here.
 */

import { CHECKPOINT_LIMITS, IMPORT_LIMITS } from "./checkpoint-limits.ts";
import { DATASET_LIMITS, OPEN_LIMITS, SCAN_LIMITS } from "./dataset-limits.ts";
import { IMAGE_LIMITS } from "./image-limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The numbers. Changing one changes what is refused, never what is computed. */
export const LIMITS = {
  /** Bytes of a `POST /v1/jobs` body: it is kept in one row of the coordinator (2 MB at most on the platform). */
  maxManifestBytes: MIB,
  /** Inline `objects` of one manifest; longer lists belong in a manifest object. */
  maxInlineObjects: 10_000,
  /** Models configured besides the bundled ones; each is held in memory once it has been used. */
  maxStoredModels: 16,
  /** Models found in a store, and pages of 1,000 objects that are looked through for them: their cards are kept. */
  maxListedModels: 64,
  maxModelPages: 5,
  /** How old a listing of a store's models may be, ms; where a model is asked for that it does not name. */
  modelListMs: 30_000,
  unknownModelListMs: 2000,
  /** Bytes of one model file in a store: ten times the widest network shipped. */
  maxModelBytes: 32 * MIB,
  /** Bytes of one uploaded object: one request body is buffered once (an isolate has 128 MB). */
  maxUploadBytes: 32 * MIB,
  /** Findings reported together; otherwise the answer to a hostile manifest could be larger than the manifest. */
  maxIssues: 100,
  /** Characters of an object key: S3 and R2 stop at 1,024 bytes. */
  maxKeyBytes: 1024,
  /** Store grants of one API key, and purposes: both are stored and looked through with every request. */
  maxKeyGrants: 50,
  maxKeyPurposes: 50,
  /** Seconds until a key expires, at most ten years: the end of a key must be a valid date. */
  maxKeySeconds: 10 * 366 * 86_400,
  /** Jobs of one key that have not ended: each keeps an alarm and a place in the queue. */
  maxJobsPerKey: 1000,
  /** Keys and cookies that an isolate remembers as good: their requests do not count against their address. */
  maxKnownKeys: 10_000,
  /** When a key has as many jobs as it may, this many are asked whether they have ended: each is a call to its own Durable Object. */
  maxOpenJobsAsked: 20,
  /** Messages that the queue gave up on and that are remembered: far more than anybody looks through. */
  maxDeadLetters: 1000,
  /** Dollars of one budget: more is taken for a mistake. */
  maxBudgetDollars: 1_000_000,
  /** Schedules of one key: the cron looks at each, and each owes runs. */
  maxSchedulesPerKey: 100,
  /** Schedules of one page of `GET /v1/schedules`: 64 KB each at most. */
  maxSchedulesPerPage: 50,
  /** Bytes of one schedule: one answer holds a page of them, and long lists of inputs belong in a manifest object. */
  maxScheduleBytes: 64 * KIB,
  /** Each run lists the whole input, and the Worker's cron fires only every five minutes. */
  minScheduleIntervalMs: 15 * 60_000,
  /** Missed windows that are caught up at once, the newest: a week of nights. Older ones are recorded as skipped. */
  maxCatchUpRuns: 7,
  /** Runs that a schedule remembers: a quarter of nights. */
  maxScheduleRuns: 92,
  /** Due schedules handled by one cron: the others are still due at the next, five minutes later. */
  maxSchedulesPerTick: 50,
  /** Schedules looked after by one cron: each reads up to 14 reports and reviews, and may draw one review. */
  maxLooksPerTick: 20,
  /** A look that dies is due again after this time: longer than drawing from two million faces takes. */
  lookLeaseMs: 10 * 60_000,
  /** Answers to a review are looked at so long after the first of them: a reader gives one every few seconds. */
  reviewLookMs: 10 * 60_000,
  /** Alerts that a schedule remembers. */
  maxScheduleAlerts: 100,
  /** Runs made by one cron, plus at most those of one schedule: each costs up to 50 of the 10,000 subrequests of one invocation. */
  maxRunsPerTick: 100,
  /** `groupBy` names of a job: each multiplies the aggregates. */
  maxGroupBy: 4,
  /** Items of one planned page: an R2 or S3 listing page, and about 200 KB as a frozen page. */
  maxPageItems: 1000,
  /** Pages planned by one queue message, so that one invocation stays under the 10,000 subrequests and 15 minutes. */
  maxPagesPerPlanStep: 10,
  /** Pages that a dry run lists before it answers with what it has: one request must not list a bucket of millions. */
  maxDryRunPages: 20,
  /** Images of one chunk: 256 JPEGs of 1 megapixel take about 10 s of CPU; the default limit is 30 s. */
  maxChunkSize: 1000,
  defaultChunkSize: 256,
  /** Bytes of objects in one chunk: big photographs make small chunks, so that the CPU limit and the lease suffice. */
  maxChunkBytes: 64 * MIB,
  /** The same where faces are searched, which costs more than decoding: a photograph of 0.2 MB takes up to 0.45 s of CPU (docs/faces.md), 80 of them 36 s: eighteen turns. */
  maxFaceChunkBytes: 16 * MIB,
  /** Assumed size of a picture to search if its manifest does not give it. */
  assumedFaceBytes: 128 * KIB,
  /** Chunks of one job in the queue or leased at once: queue consumers stop at 250. */
  maxConcurrency: 250,
  defaultMaxConcurrency: 50,

  /** Bytes of one image: with its raster and the engine it must fit 128 MB of isolate memory. */
  maxImageBytes: 25 * MIB,
  /** Bounds of decoding one picture, all checked on its header. docs/faces.md measures what a picture costs. */
  image: IMAGE_LIMITS,
  /** Files held at once while a chunk is scored, beside the decoder, the engines and the heap: `npm run test:long -- test/memory` adds all of it up. */
  maxAheadBytes: 16 * MIB,
  /** Simultaneous open connections of a Worker; the seventh waits, and may deadlock behind unread bodies. */
  maxConnections: 6,
  /** How long a call of a store may take: far above the slowest honest answer, so that a hanging server is detected; and the slowest transfer that is waited for. 25 MiB may take a minute and a half. */
  storePace: { answerMs: 10_000, bytesPerSecond: 320 * KIB },
  /** Tries of one call of a store, and how many of them may run out of time: each holds its caller up for `storePace`. */
  storeTries: { maxAttempts: 4, maxTimeouts: 2 },
  /** A request that reserved a job and has not created it by then is taken for dead, and its place in its key's quota is free again. */
  maxSubmitMs: 10 * 60_000,
  /** A chunk or step whose consumer has not been heard of for so long is taken for dead: three heartbeats. With a sweep, found within half a minute. */
  leaseMs: 25_000,
  /** How often a consumer says that it is still at its work. */
  heartbeatMs: 8000,
  /** For how long it may say so: a consumer that hangs must not hold its work for ever, and the platform ends an invocation by then. */
  maxHeartMs: 15 * 60_000,
  /** The lease of those who send no heartbeats: clients between two renewals, and erasing steps. */
  unwatchedLeaseMs: 120_000,
  /** A message that nobody picked up by then is sent again: the local queue loses its messages on restart. */
  resendMs: 12_000,
  /** A chunk stops after so long and reports what it has: others get their turn, and no lease is outlived. One picture takes half a second at most. */
  chunkMs: 2000,
  /** Computing goes on for so long before whoever else waits in the isolate gets a turn. */
  breathMs: 20,
  /** With `execution: "client"`, the edge takes the chunks when no client took, renewed or finished one for so long. */
  clientWaitMs: 120_000,
  /** A client that passed the canary must pass it again after this time: a key may be removed, a model replaced. */
  clientTokenMs: 3_600_000,
  /** Faces of one canary: one batch of the engine. */
  canaryFaces: 8,
  /** Time to answer a canary; a browser compiles its engine first. */
  canaryMs: 300_000,
  /** Scored inputs of a client's chunk that the edge scores again, chosen at random, and as many of its inputs without a label. */
  maxClientSample: 16,
  /** Pause of a client before it asks for work again. */
  clientRetrySeconds: 2,
  /** How often the coordinator looks for lost work while a job is alive. */
  sweepMs: 5000,
  /** A job that did not say for so long that it wants the edge no longer outranks others: four sweeps, so that one may be lost. */
  rankMs: 20_000,
  /** Rows handled by one sweep, so that it stays short. */
  maxSweepRows: 200,
  /** Open jobs that one hourly cron looks at, in turn: four calls each, one after the other, so 4,000 of the 10,000 subrequests and a few of the 15 minutes. Of 10,000 open jobs each is looked at every ten hours; all of them also run by their own alarms. */
  maxJobsPerSweep: 1000,
  /** Jobs that one hourly cron deletes because their retention is over: four calls each. */
  maxRetainedPerSweep: 200,
  /** Pages of their objects, 1,000 per page, that it deletes: two calls each. */
  maxDeletePages: 1000,
  /** Attempts ending in an unknown error after which a chunk is halved, to find the input that causes them. */
  maxChunkAttempts: 8,
  /** Consumers that died while they computed a single image, before it is sealed: some deaths may be innocent restarts. */
  maxSingleExpiries: 8,
  /** Failures of a single image before it is given up: consumers that died while they read or wrote, unknown errors, and reads that a store refused while it gave other objects. With the pauses between them this takes a quarter of an hour. */
  maxSingleFailures: 20,
  /** Attempts of a planning or finalizing step that end in an unknown error, or of which nothing is heard, before the job fails. */
  maxTaskAttempts: 12,
  maxTaskDeaths: 100,
  /** Longest pause between attempts, and before an unavailable store is tried again, seconds. */
  maxBackoffSeconds: 60,

  /** The error threshold applies only after this many outcomes, so that a small job with bad images still ends with labels. */
  errorMinimumSample: 1000,
  defaultErrorThreshold: 0.05,
  defaultExpiresSeconds: 86_400,
  maxExpiresSeconds: 7 * 86_400,
  /** Ten years: a longer `output.retentionDays` is taken for a mistake. */
  maxRetentionDays: 3650,

  /** Chunks written by one finalizing step: bounds its time and subrequests. */
  maxChunksPerFinalizeStep: 200,
  /** Subrequests with which one finalizing step reads the previous run, plus at most those of one chunk: where its chunks were small or most of its inputs are gone, 200 chunks touch far more than 200 of its parts. */
  maxComparisonCalls: 2000,
  /** Images that wait to be erased from one job: they are kept in one row (2 MB at most on the platform), and removed together. */
  maxEraseTargets: 500,
  /** Reads of `input.jsonl` in one searching step, 512 KiB each: about 100 MB, a second of CPU. */
  maxEraseReads: 200,
  /** Jobs that one `DELETE /v1/records` reaches: each is a call to its own Durable Object. */
  maxEraseJobs: 50,
  /** Bytes of one multipart part: S3 and R2 require equal parts of at least 5 MiB. */
  multipartBytes: 5 * MIB,

  /** Values of one `groupBy` name that keep figures of their own; the rest is folded into one "other" group. A key made of ids would otherwise grow the summary with the input. */
  maxGroupValues: 200,
  /** Characters of a group value; a longer one counts as "other". */
  maxGroupValueLength: 256,
  /** Bytes of one multipart part that a merged output may use: four outputs of one step share the isolate's 128 MB. Enough for 106 million records (output-formats.ts); a job with more is refused. */
  maxMultipartBytes: 18 * MIB,
  /** Parts of one multipart upload: S3 and R2 stop at 10,000; the margin is for an estimate that was too low. */
  maxMultipartParts: 9000,
  /** Rows of one Parquet row group: held as records, then as columns, until it is written (measured: 50 MB of heap at 16,384). */
  minParquetRowGroupRows: 8192,
  maxParquetRowGroupRows: 16_384,
  /** Row groups that a file should have: their metadata stays in memory until the footer (measured: 20 kB each, twice that at the end). A Parquet file past 16 million rows would outgrow the isolate. */
  targetParquetRowGroups: 1000,

  /** Reading the packed items of one chunk together; see inputs/item-reader.ts. Two runs at once stay below 20 MB. */
  maxRunBytes: 8 * MIB,
  /** Below this, reading what lies between two items costs less than a second request. */
  maxGapBytes: 64 * KIB,
  /** Reading the input. `maxItems` is a page's default; see PlanLimits in inputs/input-spec.ts. */
  plan: {
    maxItems: 1000,
    /** Otherwise a manifest of garbage could give more issues than it has bytes. */
    maxIssues: 100,
    /** Stays far below the 10,000 subrequests of one invocation, with several pages per message. */
    maxReads: 400,
    /** About 60 rows of FER2013 or 5,000 manifest lines per request; small beside 128 MB. */
    windowBytes: 512 * KIB,
    /** A file without line ends must not be collected whole. A FER2013 row has at most 9.3 KB. */
    maxLineBytes: 64 * KIB,
    /** Bombs: deflate reaches 1,032 to 1, honest manifests about 20 to 1. */
    maxInflatedBytes: 1024 * MIB,
    maxInflateRatio: 200,
    /** A row group of a million keys of 40 characters; decoded, it takes twice as much of the isolate's 128 MB. */
    maxParquetBytes: 40 * MIB,
    /** A page of pictures in a Parquet file is one combined read: see maxRunBytes. */
    maxPicturePageBytes: 8 * MIB,
    /** Groups are stored with each record. */
    maxGroups: 8,
    /** A shard whose members all have one basename must not be collected whole. */
    maxSampleMembers: 64,
    /** Blank lines that one page passes over, in bytes: a gzip of 200 KB can hold two hundred million of them. */
    maxBlankBytes: 64 * KIB,
    /** Label files and long-name headers of a shard are read whole. */
    maxLabelBytes: 16 * KIB,
  },

  /** Bytes of one frozen page or of a chunk's lines in it: 1,000 items with long keys and groups. */
  maxPageBytes: 8 * MIB,
  /** Bytes of one part object: 1,000 inputs with many faces each. */
  maxPartBytes: 32 * MIB,
  /** Bytes of one carried state of finalization: one multipart part and a held row group. */
  maxCarryBytes: 64 * MIB,
  /** Times that finalization starts over because another attempt spoiled its uploads. */
  maxFinalizeRestarts: 3,

  /** A receiver that redirects forever would keep a consumer busy. */
  maxWebhookRedirects: 3,
  /** A receiver that never answers would hold a consumer for its 15 minutes. */
  webhookTimeoutMs: 10_000,
  /** Inputs of one verification: one request reads and scores them all. */
  maxVerifySample: 500,
  /** Faces of one review: the draw holds this many per cell at once, and a person reads about 1,000 per hour. */
  maxReviewFaces: 1000,
  /** Bytes of the `labels.jsonl` that a review is drawn from, about 2 million faces: one request reads them all. */
  maxReviewLabelBytes: 1024 * MIB,
  /** Bytes of one read of it. */
  reviewWindowBytes: 4 * MIB,
  /** Values of the group that a sample is stratified by; further values share strata. */
  maxReviewGroups: 12,
  /** API keys that may read a review, besides the job's own. */
  maxReviewReaders: 20,
  /** Answers of one request: those that a reader gave while offline. */
  maxReviewAnswers: 200,
  /** Bytes of `reviews.jsonl`, rewritten with each request that adds to it. */
  maxReviewBytes: 8 * MIB,
  /** Attempts to add to it while others do. */
  maxReviewAttempts: 8,

  /** Progress events of one job kept for resuming streams. */
  maxEvents: 500,
  /** Shortest time between two progress events. */
  progressMs: 1000,
  /** How long one read of the event stream waits: less than every idle timeout on the way. */
  eventWaitMs: 20_000,
  /** `/readyz` needs no key, so it probes its parts only this often, and waits this long for each. */
  readinessMaxAgeMs: 10_000,
  readinessTimeoutMs: 5_000,
  /** Jobs of one page of `GET /v1/jobs`, and records of one answer of `GET /v1/jobs/{id}/latest`. */
  maxJobsPerPage: 100,
  /** Tags of one job. */
  maxTags: 16,
  /** Pixels of labeled faces that are held while a model is measured: 6,000 faces of 224×224 colors, and all of FER2013. */
  maxEvaluationBytes: 1024 * MIB,
  /** Records of one job that wait for the other's while two are compared: some 200 bytes each; jobs over one listing need hardly any. */
  maxUnpairedFaces: 500_000,
  maxLatestRecords: 48,

  open: OPEN_LIMITS,
  scan: SCAN_LIMITS,
  dataset: DATASET_LIMITS,
  checkpoint: CHECKPOINT_LIMITS,
  modelImport: IMPORT_LIMITS,
} as const;

/** The same shape with any numbers: tests run the engine with small ones. */
export type Limits = Widen<typeof LIMITS>;

type Widen<T> = { readonly [K in keyof T]: T[K] extends number ? number : Widen<T[K]> };
