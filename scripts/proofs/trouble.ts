/** Promises about kills, faults and what is repeated. */

import { inPart, node, type Mutation } from "./mutation.ts";

const SIMULATION = "test/fault/simulation.test.ts";
const KILLS = "test/fault/kills.test.ts";
const SCAN = "test/fault/scan.test.ts";
const NIGHTS = "test/fault/nights.test.ts";

/** In the order of docs/proofs.md. */
export const TROUBLE: readonly Mutation[] = inPart("Trouble", [
  {
    ...node,
    promise: "an input in ranges: each is taken once all before it are listed",
    test: SCAN,
    name: "messages duplicated, lost and reordered",
    file: "src/scoring/job/job-scan.ts",
    from: "while (listed[0] === ready) {",
    to: "while (listed.length > 0) {",
  },
  {
    ...node,
    promise: "an input in ranges: two consumers with one step count once",
    test: SCAN,
    name: "all at once",
    file: "src/scoring/job/job-ranges.ts",
    from: 'return open && task.status === "leased" && task.step === step && task.attempt === attempt;',
    to: "return open;",
  },
  {
    ...node,
    promise: "messages lost, at every place",
    test: KILLS,
    name: "whatever message the queue should lose",
    file: "src/scoring/job/job-tasks.ts",
    from: "return sendTask({ ...state, [task]: { ...current, deaths } }, task, nowMs, effects);",
    to: "return draft;",
  },
  {
    ...node,
    promise: "a kill before and after every call of planning, scoring and finalizing",
    test: KILLS,
    name: "whatever call the consumer dies",
    file: "src/scoring/finalize/finalize.ts",
    from: "  return { step, attempt, checkpoint: CLEAN_UP, done: false };",
    to: "  await removeAll(store, workPrefix(folder));\n  return { step, attempt, checkpoint: null, done: true };",
  },
  {
    ...node,
    promise: "a part that no chunk counts is removed before the end",
    test: SIMULATION,
    name: "consumers killed before and after any call",
    file: "src/scoring/finalize/finalize.ts",
    from: "orphans ||= formatted.part === null || isPiece(formatted.chunk.id);",
    to: "orphans ||= formatted.part === null;",
  },
  {
    ...node,
    promise: "two consumers with one chunk count once",
    test: SIMULATION,
    name: "leases that expire under living consumers",
    file: "src/scoring/job/job-chunks.ts",
    from: 'if (from !== "leased" && from !== "queued" && from !== "pending") return null;',
    to: 'if (from === "split" || from === "sealed") return null;',
  },
  {
    ...node,
    promise: "kills of any consumer, by chance",
    test: SIMULATION,
    name: "consumers killed before and after any call",
    file: "src/scoring/outputs/merged-output.ts",
    from: "if (info?.size !== end.bytes) throw",
    to: "if (info?.size === end.bytes) throw",
  },
  {
    ...node,
    promise: "a store that fails: a body that breaks off goes on where it broke",
    test: "test/unit/storage/storage-retry.test.ts",
    name: "withRetry",
    file: "src/storage/resume-body.ts",
    from: "ifMatch",
    to: "ifNoneMatch",
  },
  {
    ...node,
    promise: "a store whose answer to a conditional put was lost",
    test: "test/unit/storage/storage-retry.test.ts",
    name: "withRetry",
    file: "src/storage/retried-store.ts",
    from: "return stored.every((byte, at) => byte === bytes[at]) ?",
    to: "return stored.length < 0 ?",
  },
  {
    ...node,
    promise: "a second night in trouble has the outputs of a calm one",
    test: NIGHTS,
    name: "consumers killed before and after any call",
    file: "src/scoring/prior/compare-run.ts",
    from: "let { flips, inputs } = saved ?? {",
    to: "let { flips, inputs } = {",
  },
]);
