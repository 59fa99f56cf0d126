/** An ObjectStore that fails as real ones do, by a schedule: for properties over many seeded schedules. */

import { readFound } from "../../src/storage/read-body.ts";
import { ScoringError } from "../../src/errors.ts";
import type { MultipartUpload, ObjectStore } from "../../src/storage/object-store.ts";

/** The process died. No code under test may catch it and go on: every later call of the same life throws it again. */
export class KillSignal extends Error {
  constructor(call: FaultCall, moment: "before" | "after") {
    super(`killed ${moment} call ${call.index}: ${call.operation} ${call.key}`);
    this.name = "KillSignal";
  }
}

/** One call to the store, counted from 0. `key` is the prefix of a listing, the first key of a delete. */
export interface FaultCall {
  readonly index: number;
  readonly operation:
    | "head"
    | "get"
    | "put"
    | "list"
    | "delete"
    | "createMultipart"
    | "uploadPart"
    | "complete"
    | "abort";
  readonly key: string;
}

/**
 * What happens to one call.
 * - `timeout`, `unavailable` (500), `throttled` (503): the call fails without effect.
 * - `hang`: so does it, but only when its caller's patience ends. `mute`: it takes effect, and then its caller hears nothing for as long.
 * - `lost_answer`: it takes effect, then fails as unavailable.
 * - `duplicate`: it takes effect twice; the caller gets the second answer (a create-only put: its own conflict).
 * - `short_read`: a body ends after `fraction` of its bytes; other calls: nothing. `broken_read`: it breaks with an error instead.
 * - `short_page`: a listing gives only its first object and a cursor; other calls: nothing.
 * - `wrong_etag`: the etags of the answer are others; the object is not changed.
 * - `kill_before`, `kill_after`: the process dies before the call's effect, or after it.
 */
export type Fault =
  | { readonly kind: "timeout" | "unavailable" | "throttled" | "hang" | "mute" | "lost_answer" | "duplicate" }
  | { readonly kind: "short_read" | "broken_read"; readonly fraction: number }
  | { readonly kind: "short_page" | "wrong_etag" | "kill_before" | "kill_after" };

/** Decides for each call; null for no fault. */
export type FaultSchedule = (call: FaultCall) => Fault | null;

/** The wrapped store, with what it has seen. */
export interface FaultStore extends ObjectStore {
  /** Calls so far. */
  readonly callCount: number;
  /** True after a kill; a new life is a new fault store over the same inner store. */
  readonly killed: boolean;
  /** Every fault that struck, in order. */
  readonly struck: readonly { readonly call: FaultCall; readonly fault: Fault }[];
}

/** Chances of each kind of fault for {@link createSeededSchedule}, 0 to 1 for each call; missing ones never happen. */
export type FaultRates = Partial<Readonly<Record<Fault["kind"], number>>>;

const FAULT_KINDS: readonly Fault["kind"][] = [
  "timeout",
  "unavailable",
  "throttled",
  "lost_answer",
  "duplicate",
  "short_read",
  "broken_read",
  "short_page",
  "wrong_etag",
  "kill_before",
  "kill_after",
];

/** Rates that retries and resumption heal: no kills, no wrong etags. */
export const HEALABLE_RATES: FaultRates = {
  timeout: 0.03,
  unavailable: 0.05,
  throttled: 0.05,
  lost_answer: 0.03,
  short_read: 0.05,
  broken_read: 0.05,
  short_page: 0.1,
};

/** A generator of numbers in [0, 1) from a 32-bit seed (mulberry32's construction: Weyl sequence and multiply-xorshift). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Faults by chance, the same for the same seed and the same calls; at most `maxFaults` in all, so that runs end. */
export function createSeededSchedule(
  seed: number,
  rates: FaultRates,
  maxFaults = Number.POSITIVE_INFINITY,
): FaultSchedule {
  const random = createRandom(seed);
  let left = maxFaults;
  return () => {
    let draw = random();
    const fraction = random();
    for (const kind of FAULT_KINDS) {
      const rate = rates[kind] ?? 0;
      if (draw < rate) {
        if (left <= 0) return null;
        left -= 1;
        return kind === "short_read" || kind === "broken_read" ? { kind, fraction } : { kind };
      }
      draw -= rate;
    }
    return null;
  };
}

/** The given fault at the call with this index, and no other: for exhaustive runs over every call. */
export function createSingleFault(index: number, fault: Fault): FaultSchedule {
  return (call) => (call.index === index ? fault : null);
}

/**
 * `inner` with the faults of `schedule`.
 * @param wait how long a caller listens to a server that says nothing
 */
export function createFaultStore(
  inner: ObjectStore,
  schedule: FaultSchedule,
  wait: () => Promise<void> = async () => {},
): FaultStore {
  let callCount = 0;
  let deadBy: KillSignal | null = null;
  const struck: { call: FaultCall; fault: Fault }[] = [];

  function kill(call: FaultCall, moment: "before" | "after"): never {
    deadBy = new KillSignal(call, moment);
    throw deadBy;
  }

  async function run<T>(
    operation: FaultCall["operation"],
    key: string,
    effect: () => Promise<T>,
    distort: (result: T, fault: Fault) => T = (result) => result,
  ): Promise<T> {
    if (deadBy !== null) throw deadBy;
    const call: FaultCall = { index: callCount, operation, key };
    callCount += 1;
    const fault = schedule(call);
    if (fault === null) return settle(effect());
    struck.push({ call, fault });
    if (fault.kind === "mute") await settle(effect());
    if (fault.kind === "hang" || fault.kind === "mute") await wait();
    if (fault.kind === "timeout" || fault.kind === "hang" || fault.kind === "mute") {
      throw new ScoringError("store_timeout", `${operation} of ${key} took too long.`);
    }
    if (fault.kind === "unavailable") throw new ScoringError("store_unavailable", `${operation} of ${key} met a 500.`);
    if (fault.kind === "throttled") throw new ScoringError("store_throttled", `${operation} of ${key} met a 503.`);
    if (fault.kind === "kill_before") kill(call, "before");
    if (fault.kind === "duplicate") await settle(effect());
    const result = await settle(effect());
    if (fault.kind === "kill_after") kill(call, "after");
    if (fault.kind === "lost_answer") {
      throw new ScoringError("store_unavailable", `the answer to ${operation} of ${key} was lost`);
    }
    return distort(result, fault);
  }

  /** A call that was under way when another one killed the process never answers its caller with a success. */
  async function settle<T>(effect: Promise<T>): Promise<T> {
    const result = await effect;
    if (deadBy !== null) throw deadBy;
    return result;
  }

  function wrapUpload(upload: MultipartUpload): MultipartUpload {
    const { key, uploadId } = upload;
    return {
      key,
      uploadId,
      uploadPart: (partNumber, body) => run("uploadPart", key, () => upload.uploadPart(partNumber, body)),
      complete: (parts) => run("complete", key, () => upload.complete(parts)),
      abort: () => run("abort", key, () => upload.abort()),
    };
  }

  const store: FaultStore = {
    capabilities: inner.capabilities,
    get callCount() {
      return callCount;
    },
    get killed() {
      return deadBy !== null;
    },
    struck,
    head: (key) =>
      run(
        "head",
        key,
        () => inner.head(key),
        (info, fault) => (info !== null && fault.kind === "wrong_etag" ? { ...info, etag: spoil(info.etag) } : info),
      ),
    get: (key, options) =>
      run(
        "get",
        key,
        () => inner.get(key, options),
        (result, fault) => {
          if (result.kind !== "found") return result;
          const { info, body } = result;
          if (fault.kind === "wrong_etag") return { ...result, info: { ...info, etag: spoil(info.etag) } };
          if (fault.kind !== "short_read" && fault.kind !== "broken_read") return result;
          const length = Math.min(options?.range?.length ?? info.size, info.size - (options?.range?.offset ?? 0));
          return { ...result, body: cutBody(body, Math.floor(length * fault.fraction), fault.kind === "broken_read") };
        },
      ),
    // Its faults are those of get and of the body.
    read: async (key, options) => readFound(await store.get(key, options), options),
    put: (key, body, options) =>
      run(
        "put",
        key,
        () => inner.put(key, body, options),
        (result, fault) =>
          result.kind === "stored" && fault.kind === "wrong_etag" ? { ...result, etag: spoil(result.etag) } : result,
      ),
    list: (options) =>
      run(
        "list",
        options.prefix,
        () => inner.list(options),
        // The inner store's cursor stands behind the whole page, so a short page is listed anew.
        (page) => page,
      ).then((page) =>
        struckLast("short_page") && page.objects.length > 1 ? inner.list({ ...options, limit: 1 }) : page,
      ),
    delete: (keys) => run("delete", keys[0] ?? "", () => inner.delete(keys)),
    createMultipart: async (key, options) =>
      wrapUpload(await run("createMultipart", key, () => inner.createMultipart(key, options))),
    resumeMultipart: (key, uploadId) => wrapUpload(inner.resumeMultipart(key, uploadId)),
  };
  return store;

  function struckLast(kind: Fault["kind"]): boolean {
    const last = struck.at(-1);
    return last !== undefined && last.call.index === callCount - 1 && last.fault.kind === kind;
  }
}

function spoil(etag: string): string {
  return `wrong-${etag}`;
}

/** The first `keepBytes` of a body, then its end, or an error as a lost connection gives it. */
function cutBody(body: ReadableStream<Uint8Array>, keepBytes: number, breaks: boolean): ReadableStream<Uint8Array> {
  let left = keepBytes;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (chunk.length < left) {
        left -= chunk.length;
        controller.enqueue(chunk);
        return;
      }
      if (left > 0) controller.enqueue(chunk.subarray(0, left));
      if (breaks) controller.error(new TypeError("terminated"));
      else controller.terminate();
    },
  });
  return body.pipeThrough(cut);
}
