import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { driveLocalJob } from "../../../cli/score/local-job.ts";
import type { JobDesk } from "../../../cli/score/thread-calls.ts";
import type { Threads } from "../../../cli/score/threads.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import type { WorkMessage } from "../../../src/scoring/job/messages.ts";
import { setLocalScene } from "./local-scene.ts";

/** Steps are tried again after seconds; the clock of the job machine stays the real one. */
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout"] }));
afterEach(() => void vi.useRealTimers());

type Death = "before it begins" | "after it began";

async function passMinute(): Promise<false> {
  await vi.advanceTimersByTimeAsync(60_000);
  return false;
}

/** Runs a job over eight texts, whose threads die at the moments that `dies` names; the view, and all messages that were handled. */
async function run(
  dies: (message: WorkMessage, seen: readonly WorkMessage[]) => Death | null,
): Promise<{ readonly view: JobView; readonly seen: readonly WorkMessage[]; readonly keys: readonly string[] }> {
  const scene = await setLocalScene();
  const { spec, store } = scene;
  const seen: WorkMessage[] = [];
  const threads: Threads = {
    async run(work, desk) {
      if (work.kind !== "message") throw new Error(work.kind);
      const { message } = work;
      const death = dies(message, seen);
      seen.push(message);
      if (death === "after it began") await begin(message, desk);
      if (death !== null) throw Object.assign(new Error("no memory"), { code: "ERR_WORKER_OUT_OF_MEMORY" });
      await scene.handle(message, desk);
      return null;
    },
    close: async () => {},
  };
  const running = driveLocalJob(spec, threads, undefined);
  const ended = running.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, passMinute()])));
  const { objects } = await store.list({ prefix: "out/job/" });
  return { view: await running, seen, keys: objects.map(({ key }) => key) };
}

async function begin(message: WorkMessage, desk: JobDesk): Promise<void> {
  if (message.kind === "plan") await desk.beginPlan(message.step);
  if (message.kind === "finalize") await desk.beginFinalize(message.step);
  if (message.kind === "score") await desk.lease(message.chunkId);
}

const count = (seen: readonly WorkMessage[], kind: WorkMessage["kind"]): number =>
  seen.filter((message) => message.kind === kind).length;

const withoutParts = (names: readonly string[]): readonly string[] => names.filter((name) => !name.includes("/parts/"));

describe("a thread that dies", () => {
  it.each(["plan", "finalize", "score"] as const)("costs nothing but another try: %s", async (kind) => {
    const calm = await run(() => null);
    for (const death of ["before it begins", "after it began"] as const) {
      const { view, seen, keys } = await run((message, before) =>
        message.kind === kind && count(before, kind) === 0 ? death : null,
      );
      expect([view.status, view.counts]).toEqual([calm.view.status, calm.view.counts]);
      // Of a chunk that had begun, both halves are tried.
      const halved = kind === "score" && death === "after it began";
      expect(count(seen, kind)).toBe(count(calm.seen, kind) + (halved ? 2 : 1));
      expect(withoutParts(keys)).toEqual(withoutParts(calm.keys));
    }
  });

  it("ends the job when it dies at every try of a step", async () => {
    const { view, seen } = await run(({ kind }) => (kind === "plan" ? "after it began" : null));
    expect(view.failure).toEqual({ code: "internal", message: "a thread died at the plan step 0" });
    expect(count(seen, "plan")).toBe(LIMITS.maxTaskAttempts);
  });
});
