import { describe, expect, it } from "vitest";
import type { JobPage } from "../../../../src/scoring/job/job-directory.ts";
import type { JobStatus } from "../../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../../src/scoring/job/job-view.ts";
import { emptyOutcomes } from "../../../../src/scoring/job/outcome-counts.ts";
import { listJobs } from "../../../../src/scoring/requests/list-jobs.ts";

const known = (id: string, status: JobStatus): JobView => ({
  id,
  status,
  name: null,
  model: "deep-emotion@4",
  priority: 0,
  execution: "edge",
  outranked: false,
  createdAt: "2026-11-29T07:00:00.000Z",
  times: {},
  counts: {
    listed: 72,
    planned: true,
    finished: 0,
    outcomes: emptyOutcomes(),
    errors: {},
    labels: [],
    labelNames: [],
    records: 0,
    bytes: 0,
  },
  chunks: { pending: 0, queued: 0, leased: 1, done: 1 },
  engines: [],
  rate: null,
  etaSeconds: null,
  dollars: 0,
  failure: null,
  issues: [],
  warnings: [],
  output: { store: "faces", prefix: "out/" },
  retryOf: null,
});

describe("the list of jobs", () => {
  it("shows jobs that go on as they are now, and the others as the directory knows them", async () => {
    const jobs = [known("1", "running"), known("2", "completed"), known("3", "paused"), known("4", "running")];
    const page: JobPage = { jobs, cursor: "4" };
    const asked: string[] = [];
    const listed = await listJobs(
      {
        directory: { list: async () => page },
        openJob: (id) => ({
          async view() {
            asked.push(id);
            if (id === "3") throw new Error("the job does not answer");
            if (id === "4") return null;
            return { ...known(id, "running"), etaSeconds: 7 };
          },
        }),
      },
      { cursor: null, limit: 4, owner: null },
    );
    expect(asked).toEqual(["1", "3", "4"]);
    expect(listed).toEqual({ jobs: [{ ...jobs[0], etaSeconds: 7 }, ...jobs.slice(1)], cursor: "4" });
  });

  it("asks a bounded number of them", async () => {
    let asked = 0;
    const jobs = Array.from({ length: 100 }, (_, at) => known(String(at), "running"));
    const openJob = () => ({ view: async () => (asked++, null) });
    await listJobs(
      { directory: { list: async () => ({ jobs, cursor: null }) }, openJob },
      { cursor: null, limit: 100, owner: null },
    );
    expect(asked).toBe(20);
  });
});
