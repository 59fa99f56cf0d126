import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JobPage } from "../../src/scoring/job/job-directory.ts";
import type { WorkMessage } from "../../src/scoring/job/messages.ts";
import type { DeadLetterPage } from "../../src/scoring/requests/dead-letters.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture } from "./api-client.ts";

/** What people who run a deployment ask it: metrics, the queue, dead letters, counts of running jobs. */

/** Few: each chunk is a message, which the local queue takes its time with. */
const INPUTS = 12;

async function submit(key: string, inputs = INPUTS): Promise<string> {
  await bucket.put("operations/face.png", readPicture("grey-48x48.png"));
  const objects = Array.from({ length: inputs }, (_, at) => ({ key: "operations/face.png", id: String(at) }));
  const manifest = {
    input: { store: "faces", objects },
    output: { store: "faces", prefix: "operations/out/" },
    limits: { chunkSize: 1, maxConcurrency: 2 },
  };
  const { status, body } = await ask<{ id: string }>(key, "POST", "/v1/jobs", manifest);
  expect(status).toBe(201);
  return body.id;
}

describe("the list of jobs", () => {
  it("shows the counts of a running job as they are now", async () => {
    const id = await submit(ADMIN, 5 * INPUTS);
    const seen = new Set<number>();
    const look = async (): Promise<string> => {
      const { jobs } = (await ask<JobPage>(ADMIN, "GET", "/v1/jobs?limit=10")).body;
      const job = jobs.find((one) => one.id === id)!;
      if (job.status === "running") seen.add(job.counts.finished);
      return job.status;
    };
    // At a pace that a key may ask: as a page that a person watches.
    await expect.poll(look, { interval: 100, timeout: 100_000 }).toBe("completed");
    // A job tells the list of its changes of status only: without asking it there are two numbers at most.
    expect(seen.size).toBeGreaterThan(2);
    expect(await follow(ADMIN, id)).toMatchObject({ status: "completed" });
  });
});

describe("/metrics", () => {
  it("opens to metrics:read and admin keys alone, and names no job, key or object", async () => {
    const prometheus = await makeKey({ scopes: ["metrics:read"] });
    const other = await makeKey();
    const id = await submit(other.key);
    await follow(other.key, id);
    expect((await call("", "/metrics")).status).toBe(401);
    expect((await call(other.key, "/metrics")).status).toBe(403);
    expect((await call(prometheus.key, "/v1/jobs")).status).toBe(403);
    const answer = await call(prometheus.key, "/metrics");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    const text = await answer.text();
    for (const line of [
      /^countenance_info\{version="/m,
      /^countenance_ready\{check="queue"\} 1$/m,
      /^countenance_queue_backlog \d+$/m,
      /^countenance_dead_letters \d+$/m,
      /^countenance_messages_total\{work="score",result="done"\} [1-9]\d*$/m,
      /^countenance_jobs_ended_total\{status="completed",model="[^"]+",execution="edge"\} [1-9]\d*$/m,
    ])
      expect(text).toMatch(line);
    expect(text).not.toMatch(new RegExp(`${id}|${other.id}|operations/`));
  });
});

const read = async (key: string) => (await ask<DeadLetterPage>(key, "GET", "/v1/dead-letters")).body;

describe("dead letters", () => {
  it("are listed for their key, sent again, and gone when their job has ended", async () => {
    const mine = await makeKey();
    const id = await submit(mine.key);
    // What the queue does with a message that its consumer refused too often.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bindings of wrangler.toml
    const { DIRECTORY } = env as {
      DIRECTORY: DurableObjectNamespace<{ noteDeadLetter(message: WorkMessage, nowMs: number): Promise<void> }>;
    };
    expect((await ask(mine.key, "POST", `/v1/jobs/${id}/pause`)).status).toBe(200);
    await DIRECTORY.getByName("all").noteDeadLetter({ kind: "score", jobId: id, chunkId: "000000000" }, Date.now());
    const letter = `${id}.score.000000000`;
    expect(await read(mine.key)).toMatchObject({ total: 1, deadLetters: [{ id: letter, status: "dead", deaths: 1 }] });
    const stranger = await makeKey();
    expect(await read(stranger.key)).toEqual({ deadLetters: [], total: 0 });
    expect((await ask(stranger.key, "POST", `/v1/dead-letters/${letter}/send`)).status).toBe(404);
    const sent = await ask(mine.key, "POST", `/v1/dead-letters/${letter}/send`);
    expect(sent).toMatchObject({ status: 200, body: { id: letter, status: "sent" } });
    expect((await ask(mine.key, "POST", `/v1/jobs/${id}/resume`)).status).toBe(200);
    expect(await follow(mine.key, id)).toMatchObject({ status: "completed", counts: { records: INPUTS } });
    // The list hears of the end after those who follow the job.
    await expect.poll(() => read(mine.key)).toEqual({ deadLetters: [], total: 0 });
  });
});
