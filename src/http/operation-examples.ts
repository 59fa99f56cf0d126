/** Examples in the API's document; a test holds each to the schema that it is an example of. */

import { DEPLOYMENT_EXAMPLES, LETTER_ID } from "./deployment-examples.ts";
import { OPEN_EXAMPLES } from "./open-operations.ts";
import { REVIEW_EXAMPLES } from "./review-examples.ts";
import { makeScheduleExamples } from "./schedule-examples.ts";

/** A body that an operation takes, and its answer in the first successful status where that is JSON. */
export interface OperationExample {
  readonly request?: unknown;
  readonly response?: unknown;
}

const JOB_ID = "01a22652-c891-77b6-bb13-cf62a80ae3d6";
const SCHEDULE_ID = "01a22652-e9be-7fe8-b4dd-fb7ec156aa1b";
const KEY_ID = "9f1c2b7a5d3e4f60";
const CHUNK_ID = "000000000";
const KEY_TEXT = `ctn_${KEY_ID}_kWb0Hc3n2y8cTqYp6f9sVg1LrX4uZJm7aD5eNoKiQxE`;
const SHA256 = "9b2f7d6c1a0e4f3852b7c6d90e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b";

/** Values that stand for every parameter of these names. */
export const PARAMETER_EXAMPLES: Readonly<Record<string, unknown>> = {
  store: "faces",
  key: "portraits/0001.jpg",
  name: "labels.csv",
  record: "portraits/0001.jpg",
  chunk: CHUNK_ID,
  address: "eyJrZXkiOiJhIn0.0f1e2d",
  from: 0,
  at: 0,
  length: 512,
  input: 0,
  sample: 32,
  reader: "anna",
  limit: 50,
  status: "failed",
  tag: "ward-3",
  q: "portraits",
  letter: LETTER_ID,
  download: "1",
  range: "bytes=0-65535",
  "if-none-match": "*",
  "idempotency-key": "nightly-2026-11-29",
  "last-event-id": "42",
};

const MANIFEST = {
  name: "portraits",
  purpose: "research",
  tags: ["ward-3"],
  input: { store: "faces", prefix: "portraits/" },
  faces: "largest",
  output: { store: "faces", prefix: "out/" },
};
const JOB = {
  id: JOB_ID,
  name: "portraits",
  status: "running",
  model: "deep-emotion@4",
  priority: 0,
  execution: "edge",
  outranked: false,
  createdAt: "2026-11-29T07:00:00.000Z",
  times: { validating: "2026-11-29T07:00:00.000Z", running: "2026-11-29T07:00:02.000Z" },
  counts: {
    listed: 72,
    planned: true,
    finished: 40,
    outcomes: { scored: 39, no_face: 1, skipped: 0, failed: 0, cancelled: 0, expired: 0 },
    errors: {},
    labels: [1, 0, 2, 25, 3, 1, 7],
    labelNames: ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"],
    records: 40,
    bytes: 4_194_304,
  },
  chunks: { pending: 0, queued: 0, leased: 1, done: 1 },
  engines: ["fused-wasm-simd"],
  rate: 21.5,
  etaSeconds: 2,
  dollars: 0.0004,
  failure: null,
  issues: [],
  warnings: [],
  output: { store: "faces", prefix: `out/${JOB_ID}/` },
  retryOf: null,
};
const KEY = {
  id: KEY_ID,
  name: "lab",
  scopes: ["jobs:read", "jobs:write"],
  grants: [{ store: "faces", prefix: "portraits/" }],
  purposes: null,
  maxJobs: null,
  maxPriority: 0,
  maxImagesPerDay: null,
  budget: null,
  createdAt: "2026-11-29T07:00:00.000Z",
  expiresAt: null,
  expired: false,
  previousKeyUntil: null,
};
const TASK = {
  model: "deep-emotion@4",
  modelSha256: SHA256,
  pipeline: 1,
  tta: "none",
  format: "image",
  faces: { mode: "largest", minFacePixels: 24, minFaceScore: 0.57, faceDetail: "normal" },
  maxImageBytes: 33_554_432,
};

/** Examples of the `{id}` in paths, by what it identifies. */
export const ID_EXAMPLES = { jobs: JOB_ID, schedules: SCHEDULE_ID, keys: KEY_ID } as const;

/** By `METHOD /path`. */
export const EXAMPLES: Readonly<Record<string, OperationExample>> = {
  "GET /v1/models": {
    response: {
      models: [],
      unavailable: [{ id: "mine@1", code: "model_invalid", detail: "the card is not JSON" }],
      place: { store: "faces", prefix: "models/" },
    },
  },
  "GET /v1/stores": {
    response: { stores: [{ name: "faces", versions: false }] },
  },
  "PUT /v1/stores/{store}/objects/{key}": {
    response: { key: "portraits/0001.jpg", etag: "9b2f7d6c1a0e4f38", size: 48_213 },
  },
  "POST /v1/jobs": {
    request: MANIFEST,
    response: { ...JOB, status: "validating", counts: { ...JOB.counts, listed: 0, finished: 0, planned: false } },
  },
  "GET /v1/jobs": {
    response: { jobs: [JOB], cursor: null },
  },
  "GET /v1/jobs/{id}": {
    response: JOB,
  },
  "GET /v1/jobs/{id}/verify": {
    response: {
      model: "deep-emotion@4",
      modelUnchanged: true,
      engine: "tfjs-wasm-simd",
      compared: 32,
      agreed: 32,
      unavailable: 0,
      damagedParts: [],
      maxDifference: 0.000001,
      disagreements: [],
      passed: true,
    },
  },
  "POST /v1/jobs/{id}/pause": {
    response: { ...JOB, status: "paused" },
  },
  "POST /v1/jobs/{id}/resume": {
    request: { budget: { dollars: 5 } },
    response: JOB,
  },
  "POST /v1/jobs/{id}/cancel": {
    response: { ...JOB, status: "cancelling" },
  },
  "POST /v1/jobs/{id}/retry-failed": {
    response: { ...JOB, retryOf: JOB_ID },
  },
  ...OPEN_EXAMPLES,
  "POST /v1/jobs/{id}/seal": {
    response: {
      ...JOB,
      open: { received: 72, sealBy: "2026-12-06T07:00:00.000Z", sealedAt: "2026-11-29T07:00:05.000Z" },
    },
  },
  ...REVIEW_EXAMPLES,
  ...DEPLOYMENT_EXAMPLES,
  "GET /v1/jobs/{id}/latest": {
    response: {
      chunk: CHUNK_ID,
      records: [{ record: { id: "portraits/0001.jpg", status: "scored", label: "Happy" }, at: 0, length: 512 }],
    },
  },
  "GET /v1/jobs/{id}/records": {
    response: {
      chunk: CHUNK_ID,
      records: [{ record: { id: "a.jpg", status: "scored", label: "Happy" }, at: 0, length: 512, input: 0 }],
      next: 256,
      inputs: 1024,
    },
  },
  "GET /v1/jobs/{id}/outputs": {
    response: { outputs: [{ name: "labels.csv", size: 9216, etag: "9b2f7d6c1a0e4f38", type: "text/csv" }] },
  },
  "POST /v1/jobs/{id}/canary": {
    response: { task: TASK, challenge: "eyJzZWVkIjo3fQ.0f1e2d", count: 8, faces: "AAEC", picture: "/9j/4AAQ" },
  },
  "PUT /v1/jobs/{id}/canary": {
    request: {
      challenge: "eyJzZWVkIjo3fQ.0f1e2d",
      backend: "webgpu",
      probabilities: [0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1],
      pictureSha256: SHA256,
    },
    response: { token: "eyJqb2IiOjF9.0f1e2d", untilMs: 1_796_000_000_000 },
  },
  "POST /v1/jobs/{id}/leases": {
    request: { token: "eyJqb2IiOjF9.0f1e2d" },
    response: { kind: "wait", retryAfterSeconds: 5 },
  },
  "PUT /v1/jobs/{id}/chunks/{chunk}": {
    request: {
      nonce: "0123456789abcdef0123456789abcdef",
      backend: "webgpu",
      records: [
        {
          id: "portraits/0001.jpg",
          key: "portraits/0001.jpg",
          etag: "9b2f7d6c1a0e4f38",
          status: "no_face",
          label: null,
          probabilities: null,
          margin: null,
          entropy: null,
          face: null,
          groups: {},
          truth: null,
          quality: null,
          model: "deep-emotion@4",
          pipeline: 1,
          error: null,
        },
      ],
    },
    response: { accepted: true, repeated: false },
  },
  "DELETE /v1/jobs/{id}/chunks/{chunk}": {
    request: { nonce: "0123456789abcdef0123456789abcdef" },
  },
  "POST /v1/jobs/{id}/chunks/{chunk}/renew": {
    request: { nonce: "0123456789abcdef0123456789abcdef" },
    response: { leaseMs: 60_000 },
  },
  "POST /v1/session": {
    request: { key: KEY_TEXT },
    response: { key: KEY_ID },
  },
  "GET /v1/session": {
    response: { key: KEY_ID },
  },
  "POST /v1/keys": {
    request: { name: "lab", scopes: ["jobs:read", "jobs:write"], grants: [{ store: "faces", prefix: "portraits/" }] },
    response: { ...KEY, key: KEY_TEXT },
  },
  "GET /v1/webhook-secret": {
    response: { secret: "whsec_3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
  },
  "GET /v1/keys": {
    response: { keys: [KEY] },
  },
  "POST /v1/keys/{id}/rotate": {
    request: { overlapSeconds: 3600 },
    response: { ...KEY, key: KEY_TEXT },
  },
  "DELETE /v1/records": {
    response: { jobs: [{ id: JOB_ID, answer: "erasing" }], cursor: null },
  },
  ...makeScheduleExamples({ jobId: JOB_ID, scheduleId: SCHEDULE_ID, keyId: KEY_ID, manifest: MANIFEST }),
};
