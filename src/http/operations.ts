/**
 * What the API's document says about each operation besides its shapes: the name that generated clients call it by, its
 * group, and a longer description than the summary. One table, so that the whole API can be read at once.
 */

import { DEPLOYMENT_OPERATIONS } from "./deployment-operations.ts";
import { OPEN_OPERATIONS } from "./open-operations.ts";

/** Groups of operations, in the order of the document. */
export const TAGS = {
  jobs: "Submit a job, follow it, command it.",
  outputs: "What a job has written: labels, report, pictures of records.",
  schedules: "Jobs that come again by a cron expression.",
  objects: "Stores and the objects in them.",
  models: "Models that a job can name.",
  keys: "API keys and the sessions of browsers.",
  compute: "For clients that lend a machine: canaries, leases, records.",
  reviews: "A sample of a job's faces for people to label, and what follows from their labels.",
  operations: "Health of the deployment.",
} as const;

/** One operation in words. */
export interface OperationWords {
  /** Name of the function in a generated client. */
  readonly operationId: string;
  readonly tag: keyof typeof TAGS;
  readonly description: string;
}

/** By `METHOD /path`, as in the document; a test checks that none is missing and none is left over. */
export const OPERATIONS: Readonly<Record<string, OperationWords>> = {
  ...DEPLOYMENT_OPERATIONS,
  ...OPEN_OPERATIONS,
  "GET /v1/models": {
    operationId: "listModels",
    tag: "models",
    description:
      "Cards with accuracy, intervals, license and notices; `unavailable` are models of a store that cannot be read; `place` is where a new one may be uploaded, for keys that may.",
  },
  "GET /v1/stores": {
    operationId: "listStores",
    tag: "objects",
    description: "Those that the key may use. `versions` says whether objects can be named by version.",
  },
  "PUT /v1/stores/{store}/objects/{key}": {
    operationId: "putObject",
    tag: "objects",
    description: "The body is the object. `If-None-Match: *` writes it only where there is none yet (409 otherwise).",
  },
  "POST /v1/jobs": {
    operationId: "submitJob",
    tag: "jobs",
    description:
      "Checks the whole manifest and answers with every finding at once. The same `Idempotency-Key` with the same manifest gives the same job. With `dryRun` nothing is started; the answer is what the job would read, take and cost.",
  },
  "GET /v1/jobs": {
    operationId: "listJobs",
    tag: "jobs",
    description: "One page; the answer's `cursor` leads to the next one and is null on the last.",
  },
  "GET /v1/jobs/{id}": {
    operationId: "getJob",
    tag: "jobs",
    description: "Counts by outcome and by error, the state of its chunks, its rate and when it may be done.",
  },
  "DELETE /v1/jobs/{id}": {
    operationId: "deleteJob",
    tag: "jobs",
    description: "For ended jobs. Its outputs and all that the server knows of it are deleted; inputs stay.",
  },
  "GET /v1/jobs/{id}/events": {
    operationId: "followJob",
    tag: "jobs",
    description:
      "`status` and `progress` events with the job as data, until it ends. `Last-Event-ID` resumes where a connection broke.",
  },
  "GET /v1/jobs/{id}/verify": {
    operationId: "verifyJob",
    tag: "jobs",
    description: "Reads `sample` inputs again and scores them with TensorFlow.js, whatever engine the job had.",
  },
  "POST /v1/jobs/{id}/pause": {
    operationId: "pauseJob",
    tag: "jobs",
    description: "No further chunk is started; those under way are finished.",
  },
  "POST /v1/jobs/{id}/resume": {
    operationId: "resumeJob",
    tag: "jobs",
    description:
      "A paused job continues. One whose budget is used up (`pausedFor`) needs a larger one: `budget` is what the job may cost in all.",
  },
  "POST /v1/jobs/{id}/cancel": {
    operationId: "cancelJob",
    tag: "jobs",
    description: "What was scored is kept: the outputs are written, with the rest as `cancelled`.",
  },
  "POST /v1/jobs/{id}/retry-failed": {
    operationId: "retryFailedInputs",
    tag: "jobs",
    description:
      "For ended jobs. Whole objects are read as they are now, members and rows only in the version that was listed.",
  },
  "GET /v1/jobs/{id}/labels": {
    operationId: "getLabels",
    tag: "outputs",
    description:
      "One record per image, or per face with `faces: all`. `Accept` chooses the format; JSONL if none fits.",
  },
  "GET /v1/jobs/{id}/report": {
    operationId: "getReport",
    tag: "outputs",
    description: "Shares of the labels with 95 % intervals, denominators, drift and provenance.",
  },
  "GET /v1/jobs/{id}/latest": {
    operationId: "listLatestRecords",
    tag: "outputs",
    description:
      "The last records of the chunk that was finished last, newest first, each with the bytes of its line in the chunk's part. None before the first chunk and after the job's end.",
  },
  "GET /v1/jobs/{id}/records": {
    operationId: "listChunkRecords",
    tag: "outputs",
    description:
      "The records of the first chunk whose inputs begin at `from` or behind it, each with the bytes of its line in the chunk's part; `next` is where the next chunk begins.",
  },
  "POST /v1/jobs/{id}/reviews": {
    operationId: "drawReview",
    tag: "reviews",
    description:
      "Draws faces by lot, stratified by label, margin and group, with known chances: as many as `size` says, or as an interval of ± `halfWidth` takes. `dryRun` only tells how many. A job has one review; `readers` are the keys that may read it beside the job's own.",
  },
  "GET /v1/jobs/{id}/reviews": {
    operationId: "getReview",
    tag: "reviews",
    description:
      "Shares, accuracy, precision and recall on the job's own pictures with 95 % intervals, agreement of the readers, and what a fit for the next run would be. `Accept: text/html` gives a page to hand over.",
  },
  "DELETE /v1/jobs/{id}/reviews": {
    operationId: "deleteReview",
    tag: "reviews",
    description: "The sample and every answer go; the job's outputs stay. Another review can then be drawn.",
  },
  "GET /v1/jobs/{id}/reviews/lines": {
    operationId: "getReviewLines",
    tag: "reviews",
    description: "One line per answer with reader, label, time and seconds; a label taken back is a line of its own.",
  },
  "GET /v1/jobs/{id}/reviews/faces": {
    operationId: "listReviewFaces",
    tag: "reviews",
    description:
      "For readers: the scope `reviews:write` is enough. Nothing says what the model thought. `reader` tells readers of one key apart.",
  },
  "POST /v1/jobs/{id}/reviews/answers": {
    operationId: "addReviewAnswers",
    tag: "reviews",
    description:
      "Answers are appended, never changed: the last one of a reader for a face counts. `undone` takes one back.",
  },
  "GET /v1/jobs/{id}/reviews/pictures/{at}": {
    operationId: "getReviewPicture",
    tag: "reviews",
    description: "Only pictures of drawn faces, by their place in the sample.",
  },
  "GET /v1/jobs/{id}/outputs": {
    operationId: "listOutputs",
    tag: "outputs",
    description: "Those that exist: a failed or cancelled job may lack some.",
  },
  "GET /v1/jobs/{id}/outputs/{name}": {
    operationId: "getOutput",
    tag: "outputs",
    description: "Byte ranges are honored, so that a query engine can read a Parquet file without loading all of it.",
  },
  "GET /v1/jobs/{id}/images/{record}": {
    operationId: "getRecordPicture",
    tag: "outputs",
    description: "Only pictures of this job, and only where the key may read their store.",
  },
  "POST /v1/jobs/{id}/canary": {
    operationId: "getCanary",
    tag: "compute",
    description: "The first step of a computing client.",
  },
  "PUT /v1/jobs/{id}/canary": {
    operationId: "answerCanary",
    tag: "compute",
    description: "Probabilities must agree to 1e-4, the decoded picture byte for byte.",
  },
  "POST /v1/jobs/{id}/leases": {
    operationId: "leaseChunk",
    tag: "compute",
    description: "Takes the token of a canary. `wait` if nothing is free, `ended` if the job no longer needs anybody.",
  },
  "GET /v1/jobs/{id}/reads/{address}": {
    operationId: "readLeasedInput",
    tag: "compute",
    description: "The address is signed and valid as long as its lease.",
  },
  "PUT /v1/jobs/{id}/chunks/{chunk}": {
    operationId: "submitChunk",
    tag: "compute",
    description: "In input order. The server scores a sample again; a repeated submission counts once.",
  },
  "DELETE /v1/jobs/{id}/chunks/{chunk}": {
    operationId: "returnChunk",
    tag: "compute",
    description: "A client that stops gives back what it holds, so that nothing waits for the lease to run out.",
  },
  "POST /v1/jobs/{id}/chunks/{chunk}/renew": {
    operationId: "renewChunk",
    tag: "compute",
    description: "Within the bounds of a lease; the answer says what is left.",
  },
  "POST /v1/session": {
    operationId: "signIn",
    tag: "keys",
    description: "For browsers: the key itself is kept nowhere that a script could read.",
  },
  "GET /v1/session": {
    operationId: "getSession",
    tag: "keys",
    description: "The id of the key, never its text; null for a browser without a session. A wrong key is refused.",
  },
  "DELETE /v1/session": {
    operationId: "signOut",
    tag: "keys",
    description: "The key itself stays.",
  },
  "POST /v1/keys": {
    operationId: "createKey",
    tag: "keys",
    description:
      "For keys with the scope `admin`. `grants` are the stores and prefixes that the key opens; null opens all.",
  },
  "GET /v1/webhook-secret": {
    operationId: "readWebhookSecret",
    tag: "keys",
    description:
      "What `webhook-signature` of the notices about this key's jobs is made with, as the libraries of Standard Webhooks take it. It stays the same when the key is rotated, and no other key has it. 404 where the deployment sends no webhooks.",
  },
  "GET /v1/keys": {
    operationId: "listKeys",
    tag: "keys",
    description: "For keys with the scope `admin`; oldest first.",
  },
  "POST /v1/keys/{id}/rotate": {
    operationId: "rotateKey",
    tag: "keys",
    description: "For keys with the scope `admin`.",
  },
  "DELETE /v1/keys/{id}": {
    operationId: "deleteKey",
    tag: "keys",
    description: "For keys with the scope `admin`. Jobs of the key continue.",
  },
  "DELETE /v1/records": {
    operationId: "eraseRecords",
    tag: "outputs",
    description: "Ask again with `cursor` until it is null. A job's `erasure` says when it is done.",
  },
  "POST /v1/schedules": {
    operationId: "createSchedule",
    tag: "schedules",
    description: "`{yyyy}`, `{mm}`, `{dd}` and `{hh}` in the manifest stand for the window of each run.",
  },
  "GET /v1/schedules": {
    operationId: "listSchedules",
    tag: "schedules",
    description: "A page of them, each with its last five runs.",
  },
  "GET /v1/schedules/{id}": {
    operationId: "getSchedule",
    tag: "schedules",
    description: "Runs are listed newest first.",
  },
  "GET /v1/schedules/{id}/alerts": {
    operationId: "getScheduleAlerts",
    tag: "schedules",
    description:
      "Judged anew at each request, by the marks of `alerts`; nothing is sent. `reviews` are those of the runs, with the accuracy that each found; `told` is what webhooks were sent of, `waiting` how many of these are still tried.",
  },
  "PATCH /v1/schedules/{id}": {
    operationId: "updateSchedule",
    tag: "schedules",
    description: "Fields that are left out stay as they are; `alerts` and `review` are replaced as a whole.",
  },
  "DELETE /v1/schedules/{id}": {
    operationId: "deleteSchedule",
    tag: "schedules",
    description: "It submits nothing more.",
  },
  "POST /v1/schedules/{id}/run": {
    operationId: "runSchedule",
    tag: "schedules",
    description: "Compared with the run before it, like a run that the cron made.",
  },
};
