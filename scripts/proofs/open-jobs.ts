/** Promises about jobs whose inputs come in while they run. */

import { inPart, node, workerd, type Mutation } from "./mutation.ts";

const UNIT = "test/unit/scoring/job/open-input.test.ts";
const FAULT = "test/fault/open-jobs.test.ts";

/** In the order of docs/proofs.md. */
export const OPEN_JOBS: readonly Mutation[] = inPart("Open jobs", [
  {
    ...node,
    promise: "an input that is sent again is the same input",
    test: FAULT,
    name: "with messages duplicated and lost",
    file: "src/scoring/job/open-calls.ts",
    from: "const fresh = rows.listUnknownArrivals(names);",
    to: "const fresh = names;",
  },
  {
    ...node,
    promise: "a new version of an object is another input",
    test: UNIT,
    name: "takes the same key with the same etag once",
    file: "src/scoring/job/open-input.ts",
    from: "JSON.stringify([key, etag, ",
    to: "JSON.stringify([key, ",
  },
  {
    ...node,
    promise: "it ends with its seal, not with its first batch",
    test: FAULT,
    name: "on a calm day",
    file: "src/scoring/job/job-plan.ts",
    from: "const done = isOver && isLast;",
    to: "const done = isOver;",
  },
  {
    ...node,
    promise: "a batch goes on where the last one ended",
    test: FAULT,
    name: "on a calm day",
    file: "src/scoring/work/list-pages.ts",
    from: "startBatch(ticket.firstIndex)",
    to: "startBatch(0)",
  },
  {
    ...node,
    promise: "one input alone does not wait for others",
    test: UNIT,
    name: "gathers by time",
    file: "src/scoring/job/open-input.ts",
    from: "(waitingSinceMs ?? nowMs) + gatherMs <= nowMs",
    to: "false",
  },
  {
    ...node,
    promise: "while nothing is in it, it keeps no other job waiting",
    test: UNIT,
    name: "keeps nobody waiting",
    file: "src/scoring/job/job-priority.ts",
    from: 'open === undefined ? plan.status !== "done" : open.received > open.planned',
    to: 'plan.status !== "done"',
  },
  {
    ...node,
    promise: "its seal gives it the time of any job",
    test: UNIT,
    name: "with the time of any job from there on",
    file: "src/scoring/job/open-input.ts",
    from: "expiresMs: nowMs + rules.open.sealedLifeMs",
    to: "expiresMs: rules.expiresMs",
  },
  {
    ...workerd,
    promise: "it takes only what its key may read",
    test: "test/workerd/open-jobs.test.ts",
    name: "takes only what that key may read",
    file: "src/scoring/requests/add-inputs.ts",
    from: "if (isGranted(owner?.grants ?? null, store, key)) return null;",
    to: "return null;",
  },
  {
    ...workerd,
    promise: "the next run of a feed seals the one before",
    test: "test/workerd/feeds.test.ts",
    name: "ends as one data set when the next run begins",
    file: "src/scoring/schedules/run-schedule.ts",
    from: "if (isFeed(record)) await sealEarlierRuns(deps, made);",
    to: "",
  },
]);
