import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { createReadiness, type ReadinessCheck } from "../../../../src/scoring/operations/readiness.ts";

/** Asks through a clock and a sleep that the test moves. */
type ReadQueue = Parameters<typeof createReadiness>[0]["readQueue"];

function build(checks: ReadinessCheck[], readQueue: ReadQueue = async () => null) {
  let nowMs = 1_000;
  const sleepers: (() => void)[] = [];
  const failed: string[] = [];
  const look = createReadiness({
    checks,
    readQueue,
    jurisdiction: "eu",
    clock: () => nowMs,
    sleep: () => new Promise((resolve) => void sleepers.push(resolve)),
    maxAgeMs: 10_000,
    timeoutMs: 5_000,
    failed: (name) => failed.push(name),
  });
  const pass = (ms: number): void => void (nowMs += ms);
  const wake = (): void => sleepers.splice(0).forEach((resolve) => resolve());
  return { look, pass, wake, failed };
}

describe("readiness", () => {
  it("names what is not ready by code, without the error's words", async () => {
    const { look, failed } = build([
      { name: "directory", probe: () => Promise.resolve() },
      { name: "store:a", probe: () => Promise.reject(new ScoringError("store_unavailable", "secret-host refused")) },
    ]);
    const found = await look();
    expect(found).toEqual({
      ready: false,
      checks: [
        { name: "directory", ready: true },
        { name: "store:a", ready: false, code: "store_unavailable" },
        { name: "queue", ready: true },
      ],
      queue: null,
      jurisdiction: "eu",
    });
    expect(JSON.stringify(found)).not.toContain("secret");
    expect(failed).toEqual(["store:a"]);
  });

  it("asks again only when its answer is old", async () => {
    let asked = 0;
    const { look, pass } = build([{ name: "a", probe: () => Promise.resolve(asked++) }]);
    for (let i = 0; i < 5; i++) await look();
    pass(9_999);
    await look();
    expect(asked).toBe(1);
    pass(1);
    await look();
    expect(asked).toBe(2);
  });

  it("gives a silent part up, and answers the old value while it is asked", async () => {
    let silent = false;
    let asked = 0;
    const probe = (): Promise<unknown> => (asked++, silent ? new Promise(() => {}) : Promise.resolve());
    const { look, pass, wake } = build([{ name: "a", probe }]);
    expect((await look()).ready).toBe(true);
    silent = true;
    pass(10_000);
    const slow = look();
    expect((await look()).ready).toBe(true);
    expect(asked).toBe(2);
    wake();
    expect(await slow).toMatchObject({ ready: false, checks: [{ name: "a", ready: false, code: "timeout" }, {}] });
  });

  it("says how much waits in the queue and since when, and that a queue which does not answer is not ready", async () => {
    const { look, pass } = build([], async () => ({ backlog: 7, oldestMs: 400 }));
    pass(3_000);
    expect(await look()).toMatchObject({ ready: true, queue: { backlog: 7, oldestSeconds: 4 } });
    const empty = build([], async () => ({ backlog: 0, oldestMs: null }));
    expect(await empty.look()).toMatchObject({ queue: { backlog: 0, oldestSeconds: 0 } });
    const silent = build([], () => Promise.reject(new ScoringError("queue_unavailable", "gone")));
    expect(await silent.look()).toEqual({
      ready: false,
      checks: [{ name: "queue", ready: false, code: "queue_unavailable" }],
      queue: null,
      jurisdiction: "eu",
    });
  });
});
