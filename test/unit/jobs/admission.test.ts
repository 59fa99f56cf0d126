/* oxlint-disable typescript/no-unsafe-type-assertion -- as much of the ports as is called */
import deepEmotion1 from "../../../models/deep-emotion@1/card.json" with { type: "json" };
import { parseModelCard } from "../../../src/model/card.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import { createDirectoryRows } from "../../../src/jobs/directory-rows.ts";
import { loadSqlite } from "../../../src/serve/sqlite-file.ts";
import type { JobCoordinator } from "../../../src/scoring/job/coordinator-port.ts";
import type { JobSpec } from "../../../src/scoring/job/job-spec.ts";
import type { Directory } from "../../../src/scoring/job/job-directory.ts";
import { createJob } from "../../../src/scoring/job/job-machine.ts";
import { makeRules } from "../../../src/scoring/job/job-rules.ts";
import type { JobState } from "../../../src/scoring/job/job-state.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { type Submission, submitJob } from "../../../src/scoring/requests/submit.ts";
import type { SubmitDeps } from "../../../src/scoring/requests/submit-deps.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../src/storage/object-store.ts";

/** Submitting over the real rows of the directory: requests at once, each of which may fail or die between any two steps. */

const openSqlite = await loadSqlite();
const folder = await mkdtemp(join(tmpdir(), "countenance-admission-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const BODY = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" } };

/** How a request fails at its n-th call: an answer that is an error, or a death after which nothing more runs; before or after it took effect. */
interface Trouble {
  readonly call: number;
  readonly kind: "error" | "death";
  readonly when: "before" | "after";
}

interface Request {
  readonly idempotencyKey: string | null;
  readonly trouble: Trouble | null;
}

/** Asked before every call: which request takes its next step. */
type Turn = () => Promise<void>;

interface World {
  readonly jobs: Map<string, { readonly state: JobState; readonly spec: JobSpec }>;
  /** @throws what the request ended with */
  submit(request: Request, nowMs: number, turn?: Turn): Promise<Submission>;
}

let worlds = 0;

function createWorld(maxJobs: number): World {
  const directory = createDirectoryRows(openSqlite(join(folder, `${(worlds += 1)}.sqlite`), "system").sql);
  const store = createMemoryStore();
  const jobs: World["jobs"] = new Map();
  let ids = 0;

  function openJob(id: string) {
    return {
      read: async () => jobs.get(id) ?? null,
      create: async (spec: JobSpec) => {
        const state = jobs.get(id)?.state ?? createJob(id, makeRules(spec, LIMITS), spec.createdMs).state;
        if (!jobs.has(id)) jobs.set(id, { state, spec });
        return state;
      },
    };
  }

  return {
    jobs,
    submit({ idempotencyKey, trouble }, nowMs, turn = async () => undefined) {
      let calls = 0;
      let dead = false;
      const meet = async <T>(run: () => Promise<T>): Promise<T> => {
        await turn();
        if (dead) throw new Error("dead");
        const hit = trouble !== null && calls === trouble.call;
        calls += 1;
        const answer = hit && trouble.when === "before" ? null : await run();
        if (!hit) return answer!;
        dead = trouble.kind === "death";
        throw dead ? new Error("dead") : new ScoringError("store_unavailable", "a call failed");
      };
      const wrap = <T extends object>(port: T): T =>
        new Proxy(port, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name);
            if (typeof value !== "function") return value;
            return (...args: unknown[]) => meet(async () => Reflect.apply(value, target, args) as Promise<unknown>);
          },
        });
      const deps = {
        openStore: () => wrap<ObjectStore>(store),
        openJob: (id: string) => wrap(openJob(id)) as unknown as JobCoordinator,
        storeNames: ["faces"],
        registry: {
          refresh: async () => {},
          resolve: (name: string) => name,
          card: async () => parseModelCard(deepEmotion1),
        },
        directory: wrap({
          reserve: (...args: Parameters<Directory["reserve"]>) => directory.reserve(...args),
          confirm: (...args: Parameters<Directory["confirm"]>) => directory.confirm(...args),
          withdraw: (...args: Parameters<Directory["withdraw"]>) => directory.withdraw(...args),
          release: (...args: Parameters<Directory["release"]>) => directory.release(...args),
        }),
        webhookHosts: null,
        clock: () => nowMs,
        newId: () => `id-${String((ids += 1)).padStart(6, "0")}`,
        limits: LIMITS,
      } as unknown as SubmitDeps;
      const caller = {
        keyId: "key",
        scopes: ["jobs:write"],
        grants: null,
        purposes: null,
        maxJobs,
        maxImagesPerDay: null,
      };
      return submitJob(deps, BODY, { idempotencyKey, caller } as unknown as Parameters<typeof submitJob>[2]);
    },
  };
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  call: fc.nat(8),
  kind: fc.constantFrom("error", "death"),
  when: fc.constantFrom("before", "after"),
});
const request: fc.Arbitrary<Request> = fc.record({
  idempotencyKey: fc.constantFrom("a", "a", "a", "b", null),
  trouble: fc.option(trouble),
});

function idOf(submission: Submission): string {
  return submission.kind === "dry-run" ? "" : submission.job.id;
}

describe("the same request many times at once", () => {
  it("makes one job, with one 201 and the rest 200", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 8 }), async (scheduler, count) => {
        const world = createWorld(1);
        const turn = () => scheduler.schedule(Promise.resolve());
        const all = Array.from({ length: count }, () => world.submit({ idempotencyKey: "a", trouble: null }, 0, turn));
        const answers = await scheduler.waitFor(Promise.all(all));
        expect(answers.filter(({ kind }) => kind === "created")).toHaveLength(1);
        expect(new Set(answers.map(idOf)).size).toBe(1);
        expect(world.jobs.size).toBe(1);
        expect(await world.submit({ idempotencyKey: "b", trouble: null }, 0).catch(String)).toContain("quota_exceeded");
      }),
      { numRuns: 30 },
    );
  }, 120_000);
});

describe("requests that fail or die between any two steps", () => {
  it("make at most one job a key, never more than the quota, and lose no place in it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 3 }),
        fc.array(request, { minLength: 1, maxLength: 8 }),
        async (scheduler, maxJobs, requests) => {
          const world = createWorld(maxJobs);
          const turn = async () => {
            expect(world.jobs.size).toBeLessThanOrEqual(maxJobs);
            await scheduler.schedule(Promise.resolve());
          };
          const answers = await scheduler.waitFor(
            Promise.allSettled(requests.map((one) => world.submit(one, 0, turn))),
          );
          const made = new Map<string | null, Set<string>>();
          for (const [at, answer] of answers.entries()) {
            if (answer.status !== "fulfilled") continue;
            expect(world.jobs.has(idOf(answer.value))).toBe(true);
            const key = requests[at]!.idempotencyKey ?? `none ${at}`;
            made.set(key, (made.get(key) ?? new Set()).add(idOf(answer.value)));
          }
          for (const ids of made.values()) expect(ids.size).toBe(1);
          // Once none of them can be alive, what they left behind blocks nothing: exactly as many more fit as are missing.
          const later = LIMITS.maxSubmitMs + 1;
          const before = world.jobs.size;
          expect(before).toBeLessThanOrEqual(maxJobs);
          for (let at = before; at < maxJobs; at++) {
            await world.submit({ idempotencyKey: null, trouble: null }, later);
          }
          expect(world.jobs.size).toBe(maxJobs);
          const more = await world.submit({ idempotencyKey: null, trouble: null }, later).catch(String);
          expect(more).toContain("quota_exceeded");
          for (const [key, ids] of made) {
            if (key !== "a" && key !== "b") continue;
            const again = await world.submit({ idempotencyKey: key, trouble: null }, later);
            expect([again.kind, idOf(again)]).toEqual(["known", [...ids][0]]);
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 240_000);
});
