import { describe, expect, it } from "vitest";
import { createCoordinator } from "../../../../src/scoring/job/coordinator.ts";
import { describeJobStatus } from "../../../../src/scoring/job/job-status.ts";
import { viewJob } from "../../../../src/scoring/job/job-view.ts";
import { wantsEdge } from "../../../../src/scoring/job/job-priority.ts";
import { createMemoryRows } from "../../../../src/scoring/job/memory-rows.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import type { ArrivedInput } from "../../../../src/scoring/manifest/input-spec.ts";
import { makeSpec } from "../../../fault/scene.ts";

/** The coordinator of an open job without anybody who works: what it asks for, and when. */

const limits = { ...LIMITS, open: { ...LIMITS.open, maxInputs: 10 } };

const name = (key: string, etag: string | null = "1"): ArrivedInput => ({ key, id: key, size: null, etag });

async function open(manifest: Readonly<Record<string, unknown>> = {}) {
  const sent: WorkMessage[] = [];
  const rows = createMemoryRows();
  const spec = makeSpec({ input: { store: "faces", open: true }, ...manifest });
  let nowMs = spec.createdMs;
  const send = async (messages: readonly { readonly message: WorkMessage }[]) =>
    void sent.push(...messages.map(({ message }) => message));
  const job = createCoordinator({ rows, limits, clock: () => nowMs, queue: { send } });
  await job.create(spec);
  return {
    job,
    spec,
    sent,
    state: () => rows.readState()!,
    now: () => nowMs,
    /** The next sweep's time, after this one. */
    wait: async (ms: number): Promise<number | null> => {
      nowMs += ms;
      return job.sweep();
    },
    /** A consumer plans the batch that is due. */
    plan: async (step: number): Promise<readonly string[]> => {
      const ticket = (await job.beginPlan(step))!;
      const items = ticket.arrived!.length;
      const found = { items, bytes: 0, pageKeys: [], chunks: [], issues: [], cursor: null };
      expect(await job.commitPlan({ step, attempt: ticket.attempt, ...found })).toBe(true);
      return ticket.arrived!.map(({ key }) => key);
    },
  };
}

describe("an open job", () => {
  it("asks for nothing before something comes in, keeps nobody waiting, and sleeps a minute at a time", async () => {
    const { sent, state, wait, now } = await open();
    expect(state().status).toBe("queued");
    expect(await wait(5000)).toBe(now() + LIMITS.open.idleSweepMs);
    expect(sent).toEqual([]);
    expect(wantsEdge(state(), now())).toBe(false);
  });

  it("gathers by count", async () => {
    const { job, sent, plan, state, now } = await open({ limits: { chunkSize: 3 } });
    await job.addInputs([name("a"), name("b")]);
    expect(sent).toEqual([]);
    expect(wantsEdge(state(), now())).toBe(true);
    await job.addInputs([name("c")]);
    expect(sent).toEqual([{ kind: "plan", jobId: "job", step: 0 }]);
    expect(await plan(0)).toEqual(["a", "b", "c"]);
    expect(state()).toMatchObject({ listed: 3, open: { received: 3, planned: 3, waitingSinceMs: null } });
  });

  it("gathers by time, so that one input alone is planned within 20 s", async () => {
    const { job, sent, wait, now, plan } = await open();
    await job.addInputs([name("a")]);
    for (let waited = 0; sent.length === 0 && waited <= 20_000; waited += LIMITS.sweepMs) {
      expect(await wait(LIMITS.sweepMs)).toBe(now() + LIMITS.sweepMs);
    }
    expect(await plan(0)).toEqual(["a"]);
  });

  it("takes the same key with the same etag once, whatever it is called, and every other", async () => {
    const { job, state } = await open();
    expect(await job.addInputs([name("a"), name("a"), name("b")])).toEqual({
      kind: "added",
      added: 2,
      known: 1,
      received: 2,
    });
    const renamed = { ...name("a"), id: "other", label: "Happy" } as const;
    expect(await job.addInputs([renamed])).toMatchObject({ added: 0, known: 1 });
    const others = [
      name("a", "2"),
      name("a", null),
      { ...name("a"), versionId: "v" },
      { ...name("a"), range: { offset: 0, length: 9 } },
    ];
    expect(await job.addInputs(others)).toMatchObject({ added: 4, known: 0 });
    expect(state().open?.received).toBe(6);
  });

  it("takes all of a request or none: what would be too many is refused, and a repeated request is not", async () => {
    const { job } = await open();
    const ten = Array.from("abcdefghij", (key) => name(key));
    expect(await job.addInputs(ten)).toMatchObject({ added: 10 });
    expect(await job.addInputs(ten)).toMatchObject({ kind: "added", added: 0, known: 10 });
    expect(await job.addInputs([name("a"), name("k")])).toEqual({ kind: "refused", reason: "full" });
  });

  it("ends at once when it is sealed with nothing in it", async () => {
    const { job, state } = await open();
    expect(await job.seal()).toBe(true);
    expect(state()).toMatchObject({ status: "finalizing", listed: 0 });
    // The answer was lost.
    expect(await job.seal()).toBe(true);
    expect(await job.addInputs([name("a")])).toEqual({ kind: "refused", reason: "ended" });
  });

  it("plans what waits at its seal, with the time of any job from there on; then it knows what it has, and takes no more", async () => {
    const { job, sent, plan, state, spec, now, wait } = await open({ limits: { expiresInSeconds: 600 } });
    await job.addInputs([name("a"), name("b")]);
    await wait(86_400_000);
    expect(await plan(0)).toEqual(["a", "b"]);
    await job.addInputs([name("c")]);
    expect(describeJobStatus(viewJob(state(), spec, now()))).toBe("open, queued");
    expect(await job.seal()).toBe(true);
    expect(state().rules.expiresMs).toBe(now() + 600_000);
    expect(sent.at(-1)).toEqual({ kind: "plan", jobId: "job", step: 1 });
    expect(await job.addInputs([name("c")])).toMatchObject({ kind: "added", added: 0 });
    expect(await job.addInputs([name("d")])).toEqual({ kind: "refused", reason: "sealed" });
    expect(await plan(1)).toEqual(["c"]);
    expect(state()).toMatchObject({ status: "finalizing", listed: 3, plan: { status: "done" } });
    expect(viewJob(state(), spec, now()).open).toEqual({
      received: 3,
      sealBy: new Date(spec.createdMs + 7 * 86_400_000).toISOString(),
      sealedAt: new Date(now()).toISOString(),
    });
  });

  it("takes inputs while it is paused, and plans them when it goes on", async () => {
    const { job, sent, plan, wait } = await open({ limits: { chunkSize: 1 } });
    await job.command("pause");
    expect(await job.addInputs([name("a")])).toMatchObject({ added: 1 });
    await wait(60_000);
    expect(sent).toEqual([]);
    await job.command("resume");
    expect(await plan(0)).toEqual(["a"]);
  });

  it("says what came in too late for any output", async () => {
    const { job, spec, state, now } = await open();
    await job.addInputs([name("a")]);
    await job.command("cancel");
    expect(viewJob(state(), spec, now()).warnings).toContain(
      "1 input came in shortly before the job ended and is in no output",
    );
  });

  it("of another kind takes no inputs and no seal", async () => {
    const { job } = await open({ input: { store: "faces", prefix: "in/" } });
    expect(await job.addInputs([name("a")])).toEqual({ kind: "refused", reason: "not_open" });
    expect(await job.seal()).toBe(false);
  });
});
