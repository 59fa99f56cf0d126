/**
 * `countenance/testing`: the suites that this project runs over its own adapters, for yours. They need `vitest` and `fast-check`.
 * @packageDocumentation
 */

export type { ObjectInfo, ObjectStore } from "../../src/storage/object-store.ts";
export type { JobRows } from "../../src/scoring/job/job-rows.ts";
export { checkJobRows } from "./job-rows.ts";
export { describeObjectStore } from "./object-store.ts";
export type { StoreUnderTest } from "./object-store-steps.ts";
export { checkAgainstModel } from "./object-store-model.ts";
