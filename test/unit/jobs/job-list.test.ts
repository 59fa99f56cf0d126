import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDirectoryRows } from "../../../src/jobs/directory-rows.ts";
import { formatFilter, type JobFilter, parseFilter } from "../../../src/scoring/job/job-filter.ts";
import { JOB_STATUSES } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { emptyOutcomes } from "../../../src/scoring/job/outcome-counts.ts";
import { loadSqlite } from "../../../src/serve/sqlite-file.ts";
import { readFilter as readOptions } from "../../../cli/remote/job-filters.ts";

/** The list of jobs and its filters: over the directory's real rows, and as addresses and options write them. */

const openSqlite = await loadSqlite();

type Facts = Pick<JobView, "name" | "model" | "status"> & { readonly tags: readonly string[] | undefined };

const makeView = (id: string, { tags, ...facts }: Facts): JobView => ({
  id,
  ...facts,
  ...(tags === undefined ? {} : { tags }),
  priority: 0,
  execution: "edge",
  outranked: false,
  createdAt: "2026-11-29T07:00:00.000Z",
  times: { validating: "2026-11-29T07:00:00.000Z" },
  counts: {
    listed: 1,
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

const tag = fc.constantFrom("ward-3", "pilot", "2026", "a.b_c");
const tags = fc.uniqueArray(tag, { maxLength: 3 });
const facts: fc.Arbitrary<Facts> = fc.record({
  name: fc.option(fc.constantFrom("Spring", "100 % 'quoted'", "nightly_run", "")),
  model: fc.constantFrom("deep-emotion@4", "plain-net@2"),
  status: fc.constantFrom(...JOB_STATUSES),
  tags: fc.option(tags, { nil: undefined }),
});
const filters: fc.Arbitrary<JobFilter> = fc.record({
  statuses: fc.uniqueArray(fc.constantFrom(...JOB_STATUSES), { maxLength: 3 }),
  tags,
  search: fc.constantFrom("", "SPRING", "%", "'", "_", "net@1", "0007", "&q=1"),
});

/** What the filter means, said without a database. */
function passes(job: JobView, { statuses, tags: wanted, search }: JobFilter): boolean {
  const text = [job.name ?? "", job.id, job.model].join(" ").toLowerCase();
  const isOf = statuses.length === 0 || statuses.includes(job.status);
  return isOf && wanted.every((one) => job.tags?.includes(one)) && text.includes(search.toLowerCase());
}

describe("the list of jobs", () => {
  it("has every job that passes the filter once, newest first, however long its pages are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(facts, { maxLength: 20 }),
        filters,
        fc.integer({ min: 1, max: 7 }),
        async (made, filter, limit) => {
          const file = openSqlite(":memory:", "system");
          const directory = createDirectoryRows(file.sql);
          const jobs = made.map((one, at) => makeView(String(at).padStart(4, "0"), one));
          for (const job of jobs) await directory.update(job);
          const listed: string[] = [];
          let cursor: string | null = null;
          do {
            const page = await directory.list({ cursor, limit, owner: null, filter });
            listed.push(...page.jobs.map(({ id }) => id));
            cursor = page.cursor;
          } while (cursor !== null);
          file.close();
          const expected = jobs.filter((job) => passes(job, filter)).map(({ id }) => id);
          expect(listed).toEqual(expected.toReversed());
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a filter", () => {
  it("is the same in an address, and in the options of the command line", () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(parseFilter(new URLSearchParams(formatFilter(filter).toString()))).toEqual(filter);
        const { statuses, tags: wanted, search } = filter;
        const options = { status: statuses.join(","), tag: wanted.join(" , "), search };
        expect(readOptions(options)).toEqual(filter);
      }),
    );
  });

  it("names a status that there is not, with the one that was meant", () => {
    expect(() => readOptions({ status: "completed,faild" })).toThrow(
      /no status is named faild \(did you mean failed\?\); there are validating, /,
    );
    expect(parseFilter(new URLSearchParams("status=faild&status=failed")).statuses).toEqual(["failed"]);
  });
});
