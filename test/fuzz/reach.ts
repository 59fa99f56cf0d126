import { expect } from "vitest";
import type { FuzzResult } from "./run.ts";

/** Whether a run came deep enough to mean something. */

/** Where no generated body can succeed: records that agree with the server's own have their tests in client-compute.test.ts. */
const REFUSES_ALL = new Set(["PUT /v1/jobs/{id}/chunks/{chunk}"]);

/** Every operation was asked, and answered both with what it is for and with a refusal. */
export function expectReached({ operations, answers, requests }: FuzzResult): void {
  const countOf = (name: string, isCounted: (status: number) => boolean) =>
    [...(answers.get(name) ?? [])].reduce((sum, [status, count]) => sum + (isCounted(status) ? count : 0), 0);
  const names = operations.map(({ name }) => name);
  const asked = names.reduce((sum, name) => sum + countOf(name, () => true), 0);
  expect(asked).toBe(requests);
  const unanswered = names.filter((name) => countOf(name, (status) => status < 400) === 0 && !REFUSES_ALL.has(name));
  expect(unanswered).toEqual([]);
  const never = names.filter((name) => countOf(name, (status) => status >= 400) === 0 && name.includes("/v1/"));
  expect(never).toEqual([]);
}
