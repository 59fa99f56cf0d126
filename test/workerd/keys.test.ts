/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- answers and bindings as the tests expect them */
import { env, exports } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, type MadeKey, readPicture } from "./api-client.ts";

/** API keys over HTTP, in the real runtime: the directory object, the rate limit and the bucket of wrangler.toml. */

const UNKNOWN = `ctn_${"0".repeat(16)}_${"A".repeat(43)}`;

function manifestFor(prefix: string, more: Record<string, unknown> = {}) {
  return {
    input: { store: "faces", prefix: `${prefix}in/` },
    output: { store: "faces", prefix: `${prefix}out/` },
    ...more,
  };
}

async function putFaces(prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await bucket.put(`${prefix}in/${i}.png`, readPicture("grey-48x48.png"));
}

describe("keys", () => {
  it("are shown once and stored as a hash only", async () => {
    const made = await makeKey({ name: "once" });
    expect(made.key).toMatch(/^ctn_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const list = await call(ADMIN, "/v1/keys");
    const text = await list.text();
    expect(text).toContain(made.id);
    expect(text).not.toContain(made.key);
    expect(text).not.toContain("sha256");
    const directory = (env as { DIRECTORY: DurableObjectNamespace<unknown> }).DIRECTORY.getByName("all");
    const rows = await runInDurableObject(directory, (_, state) =>
      JSON.stringify(state.storage.sql.exec("SELECT * FROM keys").toArray()),
    );
    expect(rows).toContain(made.id);
    expect(rows).not.toContain(made.key.slice(-43));
  });

  it("open nothing once removed, expired, altered or unknown, all with the same words", async () => {
    const made = await makeKey();
    expect((await call(made.key, "/v1/jobs")).status).toBe(200);
    const altered = made.key.slice(0, -1) + (made.key.endsWith("A") ? "B" : "A");
    expect((await ask(ADMIN, "DELETE", `/v1/keys/${made.id}`)).status).toBe(204);
    expect((await ask(ADMIN, "DELETE", `/v1/keys/${made.id}`)).status).toBe(404);
    const answers = await Promise.all([made.key, altered, UNKNOWN].map((key) => ask(key, "GET", "/v1/jobs")));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    const expiring = await makeKey({ expiresInSeconds: 60 });
    const directory = (env as { DIRECTORY: DurableObjectNamespace<unknown> }).DIRECTORY.getByName("all");
    await runInDurableObject(directory, (_, state) => {
      state.storage.sql.exec("UPDATE keys SET record = json_set(record, '$.expiresMs', 1) WHERE id = ?", expiring.id);
    });
    expect((await call(expiring.key, "/v1/jobs")).status).toBe(401);
  });

  it("rotate: the new text opens at once, the old one only for the overlap, and the jobs stay", async () => {
    const made = await makeKey();
    await putFaces("rotate/", 1);
    const job = await ask<JobView>(made.key, "POST", "/v1/jobs", manifestFor("rotate/"));
    const rotated = await ask<MadeKey>(ADMIN, "POST", `/v1/keys/${made.id}/rotate`, {});
    expect(rotated.body.key).not.toBe(made.key);
    expect((await call(made.key, `/v1/jobs/${job.body.id}`)).status).toBe(200);
    expect((await call(rotated.body.key, `/v1/jobs/${job.body.id}`)).status).toBe(200);
    const again = await ask<MadeKey>(ADMIN, "POST", `/v1/keys/${made.id}/rotate`, { overlapSeconds: 0 });
    expect((await call(rotated.body.key, "/v1/jobs")).status).toBe(401);
    expect((await call(again.body.key, `/v1/jobs/${job.body.id}`)).status).toBe(200);
    await follow(again.body.key, job.body.id);
  });

  it("do only what their scopes say", async () => {
    const reader = await makeKey({ scopes: ["jobs:read"] });
    const attempts = [
      ["POST", "/v1/jobs", 403],
      ["PUT", "/v1/stores/faces/objects/a.png", 403],
      ["GET", "/v1/keys", 403],
      ["POST", "/v1/keys", 403],
      ["DELETE", `/v1/keys/${reader.id}`, 403],
      ["POST", `/v1/keys/${reader.id}/rotate`, 403],
      ["GET", "/v1/%6beys", 403],
      ["GET", "/v1/jobs", 200],
      ["GET", "/v1/models", 200],
    ] as const;
    for (const [method, path, status] of attempts) {
      const body = method === "PUT" ? "x" : method === "POST" ? "{}" : undefined;
      const response = await call(reader.key, path, { method, ...(body === undefined ? {} : { body }) });
      expect(`${method} ${path} ${response.status}`).toBe(`${method} ${path} ${status}`);
      await response.body?.cancel();
    }
  });

  it("limit purposes", async () => {
    const { key } = await makeKey({ purposes: ["research"] });
    const manifest = manifestFor("purpose/", { dryRun: true });
    expect((await ask(key, "POST", "/v1/jobs", manifest)).status).toBe(403);
    expect((await ask(key, "POST", "/v1/jobs", { ...manifest, purpose: "hiring" })).status).toBe(403);
    expect((await ask(key, "POST", "/v1/jobs", { ...manifest, purpose: "research" })).status).toBe(200);
  });

  it("limit jobs at once: an ended job makes room", async () => {
    const { key } = await makeKey({ maxJobs: 1 });
    await putFaces("quota/", 2);
    const first = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("quota/"));
    expect(first.status).toBe(201);
    await ask(key, "POST", `/v1/jobs/${first.body.id}/pause`);
    const second = await ask(key, "POST", "/v1/jobs", manifestFor("quota/"));
    expect(second).toMatchObject({ status: 429, body: { code: "quota_exceeded" } });
    await ask(key, "POST", `/v1/jobs/${first.body.id}/resume`);
    await follow(key, first.body.id);
    const third = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("quota/"));
    expect(third.status).toBe(201);
    await follow(key, third.body.id);
  });

  it("limit images per day, counted exactly, over all jobs of the key", async () => {
    const { key } = await makeKey({ maxImagesPerDay: 3 });
    await putFaces("day/", 2);
    const first = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("day/"));
    expect((await follow(key, first.body.id)).status).toBe("completed");
    const second = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("day/"));
    const refused = await follow(key, second.body.id);
    expect(refused).toMatchObject({ status: "failed", failure: { code: "quota_exceeded" } });
    expect(refused.counts.outcomes.scored).toBe(0);
    await bucket.delete(["day/in/1.png"]);
    const third = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("day/"));
    expect((await follow(key, third.body.id)).status).toBe("completed");
    const fourth = await ask(key, "POST", "/v1/jobs", manifestFor("day/"));
    expect(fourth).toMatchObject({ status: 429, body: { code: "quota_exceeded" } });
  });

  it("are limited in their rate, each by itself", async () => {
    const { key } = await makeKey();
    let refused = 0;
    for (let i = 0; i < 30 && refused === 0; i++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => call(key, "/v1/stores")));
      const slowed = answers.filter(({ status }) => status === 429);
      refused = slowed.length;
      expect(new Set(slowed.map(({ headers }) => headers.get("retry-after")))).toEqual(
        new Set(refused > 0 ? ["60"] : []),
      );
      for (const answer of answers) await answer.body?.cancel();
    }
    expect(refused).toBeGreaterThan(0);
    expect((await call((await makeKey()).key, "/v1/stores")).status).toBe(200);
  });

  it("sign a browser in, with the rights of the key; removing the key ends the session", async () => {
    const { id, key } = await makeKey({ scopes: ["jobs:read"] });
    const signedIn = await exports.default.fetch("http://127.0.0.1/v1/session", {
      method: "POST",
      body: JSON.stringify({ key }),
    });
    const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
    const visit = (path: string, init: RequestInit = {}) =>
      exports.default.fetch(`http://127.0.0.1${path}`, {
        ...init,
        headers: { cookie, "sec-fetch-site": "same-origin" },
      });
    expect(await (await visit("/v1/session")).json()).toEqual({ key: id });
    expect((await visit("/v1/jobs", { method: "POST", body: "{}" })).status).toBe(403);
    await ask(ADMIN, "DELETE", `/v1/keys/${id}`);
    expect((await visit("/v1/session")).status).toBe(401);
  });
});
