/* oxlint-disable typescript/no-unsafe-type-assertion -- bindings as wrangler.toml has them */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { DirectoryBase } from "../../src/jobs/directory-object.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { ADMIN, ask, bucket, follow, makeKey, readPicture } from "./api-client.ts";

/** Who goes first: what the directory answers the jobs, and what a key may ask for. */

const manifest = { input: { store: "faces", prefix: "ranked/" }, output: { store: "faces" } };

const submit = (key: string, priority: number) => ask<JobView>(key, "POST", "/v1/jobs", { ...manifest, priority });

it("tells a job whether one of a higher priority wants the edge, until that has not said so for a while", async () => {
  const { DIRECTORY } = env as { DIRECTORY: DurableObjectNamespace<DirectoryBase> };
  const directory = DIRECTORY.getByName("ranks");
  const rank = async (jobId: string, priority: number, wantsEdge: boolean, nowMs: number): Promise<boolean> =>
    (await directory.rank({ jobId, priority, wantsEdge, nowMs, rankMs: 1000 })).outranked;
  expect(await rank("low", 0, true, 0)).toBe(false);
  expect(await rank("high", 5, true, 0)).toBe(false);
  expect(await rank("low", 0, true, 500)).toBe(true);
  // Its equals do not wait for each other.
  expect(await rank("equal", 5, true, 500)).toBe(false);
  // Who wants nothing is not outranked, and outranks nobody.
  expect(await rank("low", 0, false, 600)).toBe(false);
  expect(await rank("equal", 5, false, 600)).toBe(false);
  expect(await rank("low", 0, true, 1000)).toBe(true);
  expect(await rank("low", 0, true, 1001)).toBe(false);
});

it("runs a job at a priority that the key allows, and refuses another", async () => {
  await bucket.put("ranked/a.jpg", readPicture("q90-47x49.jpg"));
  const plain = await makeKey();
  const raised = await makeKey({ maxPriority: 5 });
  expect(await submit(plain.key, 1)).toMatchObject({ status: 403, body: { issues: [{ path: "priority" }] } });
  expect((await submit(plain.key, -10)).status).toBe(201);
  expect((await submit(raised.key, 6)).status).toBe(403);
  expect((await submit(ADMIN, 101)).status).toBe(422);
  const { status, body } = await submit(raised.key, 5);
  expect([status, body]).toMatchObject([201, { priority: 5, outranked: false }]);
  expect(await follow(raised.key, body.id)).toMatchObject({ status: "completed", priority: 5, outranked: false });
});
