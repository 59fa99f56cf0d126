import { expect, it } from "vitest";
import { createWaiters } from "../../../src/jobs/waiters.ts";

it("lets all who wait go on at a change, and keeps none of those whose time was over", async () => {
  const waiters = createWaiters();
  const [long, other] = [waiters.wait(3_600_000), waiters.wait(3_600_000)];
  await Promise.all(Array.from({ length: 100 }, () => waiters.wait(1)));
  expect(waiters.size).toBe(2);
  waiters.wake();
  await Promise.all([long, other]);
  expect(waiters.size).toBe(0);
});
