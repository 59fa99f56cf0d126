import { expect, it } from "vitest";
import { readJobs } from "../../../cli/remote/job-pages.ts";
import type { JobPage } from "../../../src/scoring/job/job-directory.ts";

/** A server with so many jobs, that gives pages of at most 100; and the limits it was asked for. */
function serve(count: number) {
  const asked: number[] = [];
  return {
    asked,
    async listJobs({ cursor, limit = 50 }: { cursor?: string; limit?: number } = {}): Promise<JobPage> {
      asked.push(limit);
      expect(limit).toBeLessThanOrEqual(100);
      const start = Number(cursor ?? 0);
      const end = Math.min(count, start + limit);
      const ids = Array.from({ length: end - start }, (_, at) => ({ id: String(start + at) }));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the id is read
      return { jobs: ids as unknown as JobPage["jobs"], cursor: end < count ? String(end) : null };
    },
  };
}

it.each([
  [250, undefined, 250, [100, 100, 100]],
  [250, 130, 130, [100, 30]],
  [250, 100, 100, [100]],
  [7, 20, 7, [20]],
  [0, 20, 0, [20]],
])("of %d jobs, at most %s: %d, in requests for %j", async (count, limit, expected, requests) => {
  const server = serve(count);
  const ids: string[] = [];
  for await (const { id } of readJobs(server, limit)) ids.push(id);
  expect(ids).toEqual(Array.from({ length: expected }, (_, at) => String(at)));
  expect(server.asked).toEqual(requests);
});
