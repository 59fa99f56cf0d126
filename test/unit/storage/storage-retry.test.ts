import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import { probeConditionalPut } from "../../../src/storage/conditional-put.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../src/storage/object-store.ts";
import { readBody } from "../../../src/storage/read-body.ts";
import { createRetryBudget, type RetryPolicy, retryTransient } from "../../../src/storage/retry.ts";
import { withRetry } from "../../../src/storage/retried-store.ts";
import {
  createFaultStore,
  createRandom,
  createSeededSchedule,
  createSingleFault,
  type Fault,
  HEALABLE_RATES,
  KillSignal,
} from "../../fault/fault-store.ts";

const encoder = new TextEncoder();

function makePolicy(overrides: Partial<RetryPolicy> = {}): RetryPolicy & { readonly delays: number[] } {
  const delays: number[] = [];
  return {
    maxAttempts: 5,
    baseDelayMs: 100,
    maxDelayMs: 1000,
    budget: createRetryBudget(100, 0.1),
    random: () => 0.5,
    sleep(delayMs) {
      delays.push(delayMs);
      return Promise.resolve();
    },
    delays,
    ...overrides,
  };
}

function failTimes(
  times: number,
  code: "store_unavailable" | "store_throttled" | "store_timeout" | "not_found",
): () => Promise<string> {
  let left = times;
  return () => (left-- > 0 ? Promise.reject(new ScoringError(code, "down")) : Promise.resolve("done"));
}

describe("retryTransient", () => {
  it("repeats transient failures with growing full jitter", async () => {
    const policy = makePolicy();
    expect(await retryTransient(policy, failTimes(4, "store_unavailable"))).toBe("done");
    expect(policy.delays).toEqual([50, 100, 200, 400]);
    const throttled = makePolicy();
    await retryTransient(throttled, failTimes(3, "store_throttled"));
    expect(throttled.delays).toEqual([200, 400, 500]);
  });

  it("keeps every pause within its bounds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (random) => {
        const policy = makePolicy({ random: () => random });
        await retryTransient(policy, failTimes(4, "store_unavailable"));
        expect(policy.delays.every((delay, attempt) => delay < Math.min(1000, 100 * 2 ** attempt))).toBe(true);
      }),
    );
  });

  it("gives up after its attempts, and at once on what cannot heal", async () => {
    const policy = makePolicy();
    await expect(retryTransient(policy, failTimes(9, "store_unavailable"))).rejects.toMatchObject({
      code: "store_unavailable",
    });
    expect(policy.delays).toHaveLength(4);
    const fatal = makePolicy();
    await expect(retryTransient(fatal, failTimes(1, "not_found"))).rejects.toMatchObject({ code: "not_found" });
    await expect(retryTransient(fatal, () => Promise.reject(new TypeError("a bug")))).rejects.toThrow("a bug");
    expect(fatal.delays).toEqual([]);
  });

  it("runs out of time so often only, since each time costs a whole deadline", async () => {
    expect(await retryTransient(makePolicy(), failTimes(4, "store_timeout"))).toBe("done");
    const hurried = makePolicy({ maxTimeouts: 2 });
    expect(await retryTransient(hurried, failTimes(1, "store_timeout"))).toBe("done");
    await expect(retryTransient(hurried, failTimes(2, "store_timeout"))).rejects.toMatchObject({
      code: "store_timeout",
    });
    expect(await retryTransient(hurried, failTimes(4, "store_unavailable"))).toBe("done");
  });

  it("runs out of time once only where the store is known to hang, until it answers again", async () => {
    const policy = makePolicy({ maxTimeouts: 2 });
    await expect(retryTransient(policy, failTimes(2, "store_timeout"))).rejects.toThrow("down");
    await expect(retryTransient(policy, failTimes(1, "store_timeout"))).rejects.toThrow("down");
    expect(await retryTransient(policy, failTimes(0, "store_timeout"))).toBe("done");
    expect(await retryTransient(policy, failTimes(1, "store_timeout"))).toBe("done");
  });

  it("spends a budget that only successes refill", async () => {
    const budget = createRetryBudget(3, 0.5);
    const policy = makePolicy({ budget });
    await expect(retryTransient(policy, failTimes(9, "store_unavailable"))).rejects.toThrow("down");
    expect(policy.delays).toHaveLength(3);
    await expect(retryTransient(policy, failTimes(1, "store_unavailable"))).rejects.toThrow("down");
    await retryTransient(policy, failTimes(0, "store_unavailable"));
    await expect(retryTransient(policy, failTimes(1, "store_unavailable"))).rejects.toThrow("down");
    await retryTransient(policy, failTimes(0, "store_unavailable"));
    expect(await retryTransient(policy, failTimes(1, "store_unavailable"))).toBe("done");
  });

  it("stops when its pause is refused", async () => {
    const policy = makePolicy({ sleep: () => Promise.reject(new Error("the lease ends")) });
    await expect(retryTransient(policy, failTimes(1, "store_unavailable"))).rejects.toThrow("the lease ends");
  });
});

describe("withRetry", () => {
  it("continues a broken body where it broke, without a byte lost or doubled", async () => {
    const body = Uint8Array.from({ length: 5000 }, (_, at) => (at * 31) % 251);
    for (const kind of ["short_read", "broken_read"] as const) {
      for (const fraction of [0, 0.001, 0.5, 0.999]) {
        const inner = createMemoryStore();
        await inner.put("a", body);
        const faulty = createFaultStore(inner, createSingleFault(0, { kind, fraction }));
        const result = await withRetry(faulty, makePolicy()).get("a", { range: { offset: 100, length: 4000 } });
        if (result.kind !== "found") throw new Error(result.kind);
        expect(await readBody(result.body, 5000, 4000)).toEqual(body.subarray(100, 4100));
        expect(faulty.callCount).toBe(2);
      }
    }
  });

  it("reads at once, and goes on as a stream where a body broke", async () => {
    const body = Uint8Array.from({ length: 5000 }, (_, at) => (at * 31) % 251);
    for (const kind of ["short_read", "broken_read", "unavailable"] as const) {
      const inner = createMemoryStore();
      await inner.put("a", body);
      // The second break comes in the stream, which must not begin anew.
      const first: Fault = kind === "unavailable" ? { kind } : { kind, fraction: 0.5 };
      const faults: readonly Fault[] = [first, { kind: "broken_read", fraction: 0.9 }];
      const ranges: unknown[] = [];
      const faulty = createFaultStore(inner, (call) => faults[call.index] ?? null);
      const watched: ObjectStore = {
        ...faulty,
        get: (key, options) => {
          ranges.push(options?.range);
          return faulty.get(key, options);
        },
      };
      const result = await withRetry(watched, makePolicy()).read("a", { maxBytes: 5000 });
      expect(result).toMatchObject({ kind: "found", bytes: body });
      expect(ranges).toEqual([undefined, { offset: 4500, length: 500 }]);
    }
  });

  it("does not join two versions of a body that broke", async () => {
    const inner = createMemoryStore();
    await inner.put("a", "x".repeat(1000));
    const faulty = createFaultStore(inner, createSingleFault(0, { kind: "short_read", fraction: 0.5 }));
    const result = await withRetry(faulty, makePolicy()).get("a");
    await inner.put("a", "y".repeat(1000));
    if (result.kind !== "found") throw new Error(result.kind);
    await expect(readBody(result.body, 5000)).rejects.toMatchObject({ code: "object_changed" });
    await inner.delete(["a"]);
  });

  it("knows its own create-only write when the answer was lost", async () => {
    const inner = createMemoryStore();
    const own = withRetry(createFaultStore(inner, createSingleFault(0, { kind: "lost_answer" })), makePolicy());
    expect((await own.put("a", "mine", { ifNoneMatch: "*" })).kind).toBe("stored");
    const first = withRetry(createFaultStore(inner, createSingleFault(0, { kind: "unavailable" })), makePolicy());
    expect(await first.put("a", "other", { ifNoneMatch: "*" })).toEqual({ kind: "conflict" });
    expect(await first.put("a", "mine!", { ifNoneMatch: "*" })).toEqual({ kind: "conflict" });
  });

  it("knows its own completed upload when the answer was lost", async () => {
    const inner = createMemoryStore();
    const lost: Fault = { kind: "lost_answer" };
    const faulty = createFaultStore(inner, (call) => (call.operation === "complete" && call.index < 5 ? lost : null));
    const store = withRetry(faulty, makePolicy());
    const upload = await store.createMultipart("a");
    const part = await upload.uploadPart(1, encoder.encode("part"));
    expect(await upload.complete([part])).toEqual({ etag: (await inner.head("a"))?.etag });
    await expect(upload.complete([part])).rejects.toMatchObject({ code: "not_found" });
  });

  it("never swallows a kill, and a dead store stays dead", async () => {
    for (const kind of ["kill_before", "kill_after"] as const) {
      const inner = createMemoryStore();
      const faulty = createFaultStore(inner, createSingleFault(0, { kind }));
      const store = withRetry(faulty, makePolicy());
      await expect(store.put("a", "x")).rejects.toBeInstanceOf(KillSignal);
      await expect(store.head("a")).rejects.toBeInstanceOf(KillSignal);
      expect(faulty.killed).toBe(true);
      expect((await inner.head("a"))?.size).toBe(kind === "kill_before" ? undefined : 1);
    }
  });

  it("heals every schedule of passing faults: the same objects in the end", async () => {
    let struck = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const inner = createMemoryStore();
        const faulty = createFaultStore(inner, createSeededSchedule(seed, HEALABLE_RATES));
        const random = createRandom(seed + 1);
        const store = withRetry(faulty, makePolicy({ random, maxAttempts: 20 }));
        for (let number = 0; number < 12; number++) {
          const put = await store.put(`k${number}`, `value ${number}`, number % 2 === 0 ? { ifNoneMatch: "*" } : {});
          expect(put.kind).toBe("stored");
        }
        await store.delete(["k3", "k4"]);
        const keys: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list({ prefix: "k", limit: 3, ...(cursor === undefined ? {} : { cursor }) });
          keys.push(...page.objects.map((object) => object.key));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(keys).toEqual(["k0", "k1", "k10", "k11", "k2", "k5", "k6", "k7", "k8", "k9"]);
        for (const key of keys) {
          const result = await store.get(key);
          if (result.kind !== "found") throw new Error(result.kind);
          const bytes = await readBody(result.body, 100, result.info.size);
          expect(new TextDecoder().decode(bytes)).toBe(`value ${key.slice(1)}`);
        }
        struck += faulty.struck.length;
      }),
      { numRuns: 200 },
    );
    expect(struck).toBeGreaterThan(1000);
  });
});

function stream(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

describe("reading a body", () => {
  it("joins chunks up to the limit and refuses more", async () => {
    expect(await readBody(stream("ab", "", "c"), 3, 3)).toEqual(encoder.encode("abc"));
    expect(await readBody(stream(), 3, 0)).toEqual(new Uint8Array(0));
    await expect(readBody(stream("ab", "cd"), 3)).rejects.toMatchObject({ code: "object_too_large" });
    await expect(readBody(stream("ab"), 3, 4)).rejects.toMatchObject({ code: "object_too_large" });
  });

  it("tells a short or overlong body from a whole one", async () => {
    await expect(readBody(stream("ab"), 9, 3)).rejects.toMatchObject({ code: "store_short_read" });
    await expect(readBody(stream("abcd"), 9, 3)).rejects.toMatchObject({ code: "store_short_read" });
  });

  it("does not read an endless body to its end", async () => {
    let pulls = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls += 1;
        controller.enqueue(new Uint8Array(1000));
      },
      cancel() {
        cancelled = true;
      },
    });
    await expect(readBody(endless, 5000)).rejects.toMatchObject({ code: "object_too_large" });
    expect(pulls).toBeLessThan(10);
    expect(cancelled).toBe(true);
  });
});

describe("the probe for conditional puts", () => {
  it("refuses a store that ignores them, and cleans up", async () => {
    const inner = createMemoryStore();
    const careless: ObjectStore = { ...inner, put: (key, body) => inner.put(key, body) };
    await expect(probeConditionalPut(careless, "probe")).rejects.toMatchObject({ code: "store_unconditional" });
    expect(await inner.head("probe")).toBeNull();
    await probeConditionalPut(inner, "probe");
  });
});
