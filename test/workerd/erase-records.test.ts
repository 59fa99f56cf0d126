/* oxlint-disable typescript/no-unsafe-type-assertion -- bindings as wrangler.toml makes them */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { JobCoordinatorBase } from "../../src/jobs/job-coordinator-object.ts";
import type { EraseAnswers } from "../../src/scoring/erase/erase-records.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { readBody } from "../../src/storage/read-body.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture, readText } from "./api-client.ts";

/** `DELETE /v1/records` through the Worker: queue, Durable Object and bucket as they are deployed. */

const { JOBS } = env as { readonly JOBS: DurableObjectNamespace<JobCoordinatorBase> };

async function runJob(key: string, prefix: string): Promise<JobView> {
  for (const name of ["0", "1", "2"]) await bucket.put(`${prefix}in/${name}.png`, readPicture("grey-48x48.png"));
  await bucket.put(`${prefix}in/text.png`, "no picture");
  const made = await ask<JobView>(key, "POST", "/v1/jobs", {
    input: { store: "faces", prefix: `${prefix}in/` },
    output: { store: "faces", prefix: `${prefix}out/`, formats: ["jsonl", "csv", "parquet"] },
    limits: { chunkSize: 2 },
  });
  expect(made.status).toBe(201);
  return follow(key, made.body.id);
}

const records = (key: string, more = ""): string => `/v1/records?store=faces&key=${encodeURIComponent(key)}${more}`;

async function awaitErasure(key: string, id: string): Promise<JobView> {
  return vi.waitUntil(
    async () => {
      const { body } = await ask<JobView>(key, "GET", `/v1/jobs/${id}`);
      return body.erasure?.status === "running" ? null : body;
    },
    { timeout: 60_000, interval: 50 },
  );
}

/** Whatever of the job holds `text`: objects by key, rows by table. */
async function grep(id: string, prefix: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const { key, size } of (await bucket.list({ prefix })).objects) {
    const result = await bucket.get(key);
    const bytes = result.kind === "found" ? await readBody(result.body, size) : new Uint8Array();
    if (new TextDecoder("latin1").decode(bytes).includes(text)) found.push(key);
  }
  const rows = await runInDurableObject(JOBS.getByName(id), (_, state) =>
    ["facts", "chunks", "stagedChunks", "pages", "events"].filter((table) =>
      JSON.stringify(state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()).includes(text),
    ),
  );
  return [...found, ...rows];
}

describe("DELETE /v1/records", () => {
  it("rewrites a job's outputs without the image; the rest reads, verifies, is retried and deleted as before", async () => {
    const { key } = await makeKey({
      scopes: ["jobs:read", "jobs:write"],
      grants: [{ store: "faces", prefix: "erased/" }],
    });
    const job = await runJob(key, "erased/");
    const image = "erased/in/1.png";
    expect((await grep(job.id, "erased/out/", image)).length).toBeGreaterThan(3);
    const logged = vi.spyOn(console, "log");
    const asked = await ask<EraseAnswers>(key, "DELETE", records(image));
    expect(asked).toEqual({ status: 202, body: { jobs: [{ id: job.id, answer: "erasing" }], cursor: null } });
    const view = await awaitErasure(key, job.id);
    const audit = logged.mock.calls
      .flat()
      .map(String)
      .filter((line) => line.includes('"audit"'));
    expect(audit.some((line) => line.includes('"/v1/records"') && line.includes('"DELETE"'))).toBe(true);
    expect(
      logged.mock.calls
        .flat()
        .map(String)
        .filter((line) => line.includes(image)),
    ).toEqual([]);
    logged.mockRestore();
    expect(view).toMatchObject({
      status: "completed_with_errors",
      erasure: { status: "done", inputs: 1, failure: null },
      counts: { listed: 3, records: 3, outcomes: { scored: 2, failed: 1 } },
      output: { prefix: `erased/out/${job.id}/generations/000001/` },
    });
    expect(await grep(job.id, "erased/out/", image)).toEqual([]);
    expect(
      (await bucket.list({ prefix: job.output.prefix })).objects.every(({ key: name }) =>
        name.startsWith(view.output.prefix),
      ),
    ).toBe(true);
    const labels = (await readText(await call(key, `/v1/jobs/${job.id}/labels`))).trimEnd().split("\n");
    expect(labels.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(
      ["0.png", "2.png", "text.png"].map((name) => `erased/in/${name}`),
    );
    const verified = await ask(key, "GET", `/v1/jobs/${job.id}/verify`);
    expect(verified.body).toMatchObject({ passed: true, compared: 3, damagedParts: [] });
    const place = `at=${labels[0]!.length + 1}&length=${labels[1]!.length}`;
    expect((await call(key, `/v1/jobs/${job.id}/images/erased/in/2.png?${place}`)).status).toBe(200);
    const retried = await ask<JobView>(key, "POST", `/v1/jobs/${job.id}/retry-failed`);
    expect(retried.status).toBe(201);
    expect((await follow(key, retried.body.id)).counts.listed).toBe(1);
    const again = await ask<EraseAnswers>(key, "DELETE", records(image));
    expect(again.body.jobs.map(({ id }) => id)).toContain(job.id);
    expect((await awaitErasure(key, job.id)).erasure).toEqual({ status: "done", inputs: 1, failure: null });
    expect((await ask(key, "DELETE", `/v1/jobs/${job.id}`)).status).toBe(204);
    expect((await bucket.list({ prefix: job.output.prefix })).objects).toEqual([]);
  });

  it("asks nothing of other keys' jobs, and an admin's request all of them", async () => {
    const mine = await makeKey({ scopes: ["jobs:read", "jobs:write"] });
    const other = await makeKey({ scopes: ["jobs:read", "jobs:write"] });
    const job = await runJob(mine.key, "owned/");
    expect((await ask<EraseAnswers>(other.key, "DELETE", records("owned/in/0.png"))).body).toEqual({
      jobs: [],
      cursor: null,
    });
    expect((await ask<JobView>(mine.key, "GET", `/v1/jobs/${job.id}`)).body.erasure).toBeUndefined();
    const all = await ask<EraseAnswers>(ADMIN, "DELETE", records("owned/in/0.png"));
    expect(all.body.jobs).toContainEqual({ id: job.id, answer: "erasing" });
    expect((await awaitErasure(mine.key, job.id)).counts.listed).toBe(3);
  });

  it("refuses keys outside of the grants, keys that only read, and unknown stores", async () => {
    const reader = await makeKey({ scopes: ["jobs:read"] });
    const granted = await makeKey({ scopes: ["jobs:write"], grants: [{ store: "faces", prefix: "a/" }] });
    expect((await ask(reader.key, "DELETE", records("a/1.png"))).status).toBe(403);
    expect((await ask(granted.key, "DELETE", records("b/1.png"))).status).toBe(403);
    expect((await ask(granted.key, "DELETE", records("a/../b/1.png"))).status).toBe(403);
    expect((await ask(granted.key, "DELETE", "/v1/records?store=faces")).status).toBe(422);
    expect((await ask(ADMIN, "DELETE", "/v1/records?store=nowhere&key=a")).status).toBe(404);
    expect((await call("wrong", records("a/1.png"), { method: "DELETE" })).status).toBe(401);
  });
});
