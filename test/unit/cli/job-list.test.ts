import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findJob } from "../../../cli/remote/find-job.ts";
import { formatBytes, formatPlan } from "../../../cli/remote/format-plan.ts";
import { formatAge, formatJobs } from "../../../cli/remote/job-list.ts";
import type { JobPage } from "../../../src/scoring/job/job-directory.ts";

type Job = JobPage["jobs"][number];

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a list shows of a job
const makeJob = (id: string, name: string | null = null): Job =>
  ({
    id,
    name,
    status: "running",
    counts: { finished: 5, listed: 12, planned: false },
    createdAt: "2026-01-01T00:00:00.000Z",
  }) as unknown as Job;

const ids = [
  "01a22935-7343-7b19-8f4b-efa680c241f8",
  "01a22935-7343-7b19-8f4b-000080c241f8",
  "01a22936-dccd-78db-b43d-a3578b772dc5",
];
const api = { listJobs: async () => ({ jobs: ids.map((id) => makeJob(id)), cursor: null }) };

describe("a job's name", () => {
  it("is its id, or as much of its end or beginning as no other has", async () => {
    expect(await findJob(api, ids[0]!)).toBe(ids[0]);
    expect(await findJob(api, "efa680c241f8")).toBe(ids[0]);
    expect(await findJob(api, "2dc5")).toBe(ids[2]);
    expect(await findJob(api, "01a22936")).toBe(ids[2]);
    await expect(findJob(api, "80c241f8")).rejects.toThrow(`80c241f8 could be 2 jobs: ${ids[0]}, ${ids[1]}`);
    await expect(findJob(api, "01a22935")).rejects.toMatchObject({ code: "validation_failed" });
    for (const text of ["abc", "ffff", "no job", "../x"]) {
      await expect(findJob(api, text)).rejects.toMatchObject({ code: "not_found" });
    }
  });

  it("is asked of nobody where it is whole", async () => {
    const deaf = { listJobs: () => Promise.reject(new Error("asked")) };
    expect(await findJob(deaf, ids[2]!)).toBe(ids[2]);
  });
});

it("a list has a header and ages, in columns", () => {
  const lines = formatJobs([makeJob(ids[0]!, "a\u001b[2Jb"), makeJob(ids[2]!)], Date.parse("2026-01-03T01:00:00Z"));
  expect(lines).toEqual([
    "JOB                                   STATUS   DONE   AGE  NAME",
    `${ids[0]}  running  5/12+  2 d  a\ufffd[2Jb`,
    `${ids[2]}  running  5/12+  2 d`,
  ]);
});

it("ages and sizes are short", () => {
  expect([-5, 0, 59_000, 60_000, 3_599_000, 7_200_000, 90_000_000].map(formatAge)).toEqual([
    "0 s",
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "2 h",
    "1 d",
  ]);
  expect([0, 999, 1000, 3_400_000, 5e15].map(formatBytes)).toEqual([
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "3.4 MB",
    "5000.0 TB",
  ]);
  fc.assert(
    fc.property(fc.nat(), (bytes) => {
      expect(formatBytes(bytes)).toMatch(/^[\d.]{1,6} (bytes|[kMGT]B)$/);
    }),
  );
});

it("a plan says what it reads, takes and costs", () => {
  const operations = { classA: 12, classB: 1234, queue: 9, durableObject: 30, rowsWritten: 400 };
  const estimate = { cpuMs: 66_000, operations, dollars: 0.0042 };
  const plan = { objects: 1200, bytes: 3_400_000, chunks: 5, complete: false, estimate, warnings: [] };
  expect(formatPlan(plan)).toEqual([
    "reads     1,200 objects, 3.4 MB (and more: only the beginning was listed)",
    "takes     5 chunks, 66 s of CPU",
    "store     1,234 reads, 12 writes and listings",
    "platform  9 queue operations, 30 calls of Durable Objects, 400 rows",
    "costs     about $0.0042 on Cloudflare, $3.50 for a million such inputs",
  ]);
  expect(formatPlan({ ...plan, egressDollars: 900 }).at(-1)).toBe(
    "egress    about $900.00, which the store bills for reading it from outside",
  );
});
