import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { createDirectoryRows, type WholeDirectory } from "../../../src/jobs/directory-rows.ts";
import { loadSqlite } from "../../../src/serve/sqlite-file.ts";
import type { ApiKeyRecord } from "../../../src/scoring/access/api-key.ts";

/** What the jobs of a key have cost in a month, over the directory's real rows. */

const openSqlite = await loadSqlite();
const folder = await mkdtemp(join(tmpdir(), "countenance-spending-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
let databases = 0;
const createDirectory = (): WholeDirectory =>
  createDirectoryRows(openSqlite(join(folder, `${(databases += 1)}.sqlite`), "system").sql);

const DAY = 86_400_000;
const start = Date.parse("2026-11-20T00:00:00Z");
const month = (ms: number): string => new Date(ms).toISOString().slice(0, 7);
const owner = (keyId: string, dollars?: number) => ({
  keyId,
  maxJobs: null,
  maxImagesPerDay: null,
  ...(dollars === undefined ? {} : { budget: { dollars } }),
});

async function makeKey(directory: WholeDirectory, id: string, dollars: number | null): Promise<void> {
  const record: ApiKeyRecord = {
    id,
    name: id,
    sha256: "",
    previous: null,
    createdMs: 0,
    expiresMs: null,
    scopes: ["jobs:write"],
    grants: null,
    purposes: null,
    maxJobs: null,
    maxImagesPerDay: null,
    budget: dollars === null ? null : { dollars },
  };
  await directory.writeKey(record);
}

describe("what a key's jobs cost", () => {
  it("adds up by month, however often and in whatever order it is told", async () => {
    const report = fc.record({ job: fc.nat(3), dollars: fc.nat(100), days: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(report, { maxLength: 40 }), async (reports) => {
        const directory = createDirectory();
        await makeKey(directory, "key", 1000);
        for (let job = 0; job < 4; job++)
          await directory.reserve({
            jobId: `job-${job}`,
            idempotencyKey: null,
            bodySha256: "",
            nowMs: start,
            owner: owner("key"),
          });
        const most = new Map<number, number>();
        const byMonth = new Map<string, number>();
        let nowMs = start;
        for (const { job, dollars, days } of reports) {
          nowMs += days * DAY;
          const more = Math.max(0, dollars - (most.get(job) ?? 0));
          most.set(job, Math.max(dollars, most.get(job) ?? 0));
          byMonth.set(month(nowMs), (byMonth.get(month(nowMs)) ?? 0) + more);
          const left = await directory.charge({ jobId: `job-${job}`, dollars, nowMs });
          expect(left).toBe(1000 - (byMonth.get(month(nowMs)) ?? 0));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("ends in a refusal of new jobs of that key alone, until the month is over or the budget larger", async () => {
    const directory = createDirectory();
    await makeKey(directory, "poor", 2);
    const reserve = (jobId: string, keyId: string, dollars: number | undefined, nowMs = start) =>
      directory.reserve({ jobId, idempotencyKey: null, bodySha256: "", nowMs, owner: owner(keyId, dollars) });
    expect(await reserve("a", "poor", 2)).toEqual({ kind: "new", jobId: "a" });
    expect(await directory.charge({ jobId: "a", dollars: 2.5, nowMs: start })).toBe(-0.5);
    expect(await reserve("b", "poor", 2)).toEqual({ kind: "spent_dollars" });
    expect(await reserve("b", "poor", 3)).toMatchObject({ kind: "new" });
    expect(await reserve("c", "rich", undefined)).toMatchObject({ kind: "new" });
    expect(await reserve("d", "poor", 2, start + 15 * DAY)).toMatchObject({ kind: "new" });
    // A deleted job has cost what it has cost.
    await directory.remove("a");
    expect(await reserve("e", "poor", 2)).toEqual({ kind: "spent_dollars" });
  });

  it("is anything where the key has no budget or the job no key", async () => {
    const directory = createDirectory();
    await makeKey(directory, "key", null);
    await directory.reserve({ jobId: "a", idempotencyKey: null, bodySha256: "", nowMs: start, owner: owner("key") });
    expect(await directory.charge({ jobId: "a", dollars: 5, nowMs: start })).toBeNull();
    expect(await directory.charge({ jobId: "unknown", dollars: 5, nowMs: start })).toBeNull();
  });
});
