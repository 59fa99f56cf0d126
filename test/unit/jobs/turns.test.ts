import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTurns } from "../../../src/jobs/turns.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

describe("turns of an isolate", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const failures: unknown[] = [];
  const open = (pass?: () => Promise<void>) =>
    createTurns(
      LIMITS,
      () => Date.now(),
      (error) => void failures.push(error),
      pass,
    );

  it("beat more than twice within a lease, until they are stopped", async () => {
    let beats = 0;
    const stop = open().startHeart(async () => void beats++);
    await vi.advanceTimersByTimeAsync(LIMITS.leaseMs - 1);
    expect(beats).toBeGreaterThan(2);
    stop();
    await vi.advanceTimersByTimeAsync(LIMITS.leaseMs);
    expect(beats).toBe(Math.floor((LIMITS.leaseMs - 1) / LIMITS.heartbeatMs));
  });

  it("go on after a beat that failed, which is told", async () => {
    let beats = 0;
    const stop = open().startHeart(async () => {
      beats += 1;
      if (beats === 1) throw new Error("away");
    });
    await vi.advanceTimersByTimeAsync(2 * LIMITS.heartbeatMs);
    stop();
    expect([beats, failures.map(String)]).toEqual([2, ["Error: away"]]);
  });

  it("do not beat for ever for who hangs", async () => {
    let beats = 0;
    open().startHeart(async () => void beats++);
    await vi.advanceTimersByTimeAsync(2 * LIMITS.maxHeartMs);
    expect(beats).toBe(Math.floor(LIMITS.maxHeartMs / LIMITS.heartbeatMs));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("end the time of each chunk by itself", async () => {
    const turns = open();
    const first = turns.startTime();
    await vi.advanceTimersByTimeAsync(LIMITS.chunkMs - 1);
    const second = turns.startTime();
    expect([first(), second()]).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect([first(), second()]).toEqual([true, false]);
  });

  it("let others in when computing took its time, and now and then where the clock stands still", async () => {
    let passed = 0;
    const turns = open(async () => void passed++);
    await turns.breathe();
    expect(passed).toBe(1);
    await turns.breathe();
    expect(passed).toBe(1);
    vi.setSystemTime(Date.now() + LIMITS.breathMs);
    await turns.breathe();
    expect(passed).toBe(2);
    for (let input = 0; input < 320; input++) await turns.breathe();
    expect(passed).toBe(12);
    // A look at a photograph costs as much as many faces.
    for (let look = 0; look < 3; look++) await turns.breathe(44);
    expect(passed).toBe(15);
  });
});
