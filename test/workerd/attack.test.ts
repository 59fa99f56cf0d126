/* oxlint-disable typescript/no-unsafe-type-assertion -- answers as the tests expect them */
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture, readText } from "./api-client.ts";

/** What an attacker with a key, or without one, would try. Every test runs against the whole Worker. */

const secret = readPicture("grey-48x48.png");
const mine = [
  { store: "faces", prefix: "mine/" },
  { store: "faces", prefix: "results/" },
];

function jobOver(input: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return { input: { store: "faces", ...input }, output: { store: "faces", prefix: "results/" }, ...more };
}

describe("a key with one prefix", () => {
  it("submits nothing outside of it, however the prefix is written", async () => {
    const { key } = await makeKey({ grants: mine });
    const inputs = [
      { prefix: "theirs/" },
      { prefix: "mine" },
      { prefix: "mine/../theirs/" },
      { prefix: "mine/./../theirs/" },
      { prefix: "/mine/" },
      { prefix: "mine%2f..%2ftheirs/" },
      { objects: [{ key: "mine/a.png" }, { key: "theirs/a.png" }] },
      { objects: [{ key: "mine/../theirs/a.png" }] },
      { manifest: { key: "theirs/list.jsonl" } },
    ];
    for (const input of inputs) {
      const { status, body } = await ask(key, "POST", "/v1/jobs", jobOver(input));
      expect([JSON.stringify(input), status, body["code"]]).toEqual([JSON.stringify(input), 403, "forbidden"]);
    }
    for (const prefix of ["", "out/", "mine", "/mine", "minex/"]) {
      const manifest = { input: { store: "faces", prefix: "mine/in/" }, output: { store: "faces", prefix } };
      const { status } = await ask(key, "POST", "/v1/jobs", { ...manifest, dryRun: true });
      // The output prefix is a folder: "mine" and "/mine" are "mine/".
      expect([prefix, status]).toEqual([prefix, prefix === "mine" || prefix === "/mine" ? 200 : 403]);
    }
  });

  it("reads no foreign object that its own manifest object names, in a dry run or a job", async () => {
    await bucket.put("theirs/secret.png", secret);
    await bucket.put("mine/list.jsonl", '{"key":"mine/a.png"}\n{"key":"theirs/secret.png"}\n');
    await bucket.put("mine/a.png", secret);
    const { key } = await makeKey({ grants: mine });
    const manifest = jobOver({ manifest: { key: "mine/list.jsonl" } });
    expect((await ask(key, "POST", "/v1/jobs", { ...manifest, dryRun: true })).status).toBe(403);
    const { body } = await ask<JobView>(key, "POST", "/v1/jobs", manifest);
    const job = await follow(key, body.id);
    expect(job).toMatchObject({ status: "failed", failure: { code: "forbidden" } });
    expect(job.counts.outcomes.scored).toBe(0);
  });

  it("opens no foreign shard either: it is refused before its members are listed", async () => {
    await bucket.put("theirs/shard.tar", new Uint8Array(1024));
    await bucket.put("mine/shards.jsonl", '{"key":"theirs/shard.tar"}\n');
    const { key } = await makeKey({ grants: mine });
    const manifest = jobOver({ manifest: { key: "mine/shards.jsonl" } }, { format: "tar" });
    const { body } = await ask<JobView>(key, "POST", "/v1/jobs", manifest);
    expect(await follow(key, body.id)).toMatchObject({ status: "failed", failure: { code: "forbidden" } });
  });

  it("uploads nothing outside of it, encoded or not", async () => {
    const { key } = await makeKey({ grants: mine });
    const paths = [
      "theirs/x.png",
      "mine%2F..%2Ftheirs%2Fx.png",
      "mine/..%2ftheirs/x.png",
      "mine/%2e%2e/theirs/x.png",
      "mine/../theirs/x.png",
      "%2Fmine/x.png",
      "minex.png",
    ];
    for (const path of paths) {
      const response = await call(key, `/v1/stores/faces/objects/${path}`, { method: "PUT", body: "x" });
      expect([path, response.status]).toEqual([path, 403]);
      await response.body?.cancel();
    }
    expect((await call(key, "/v1/stores/faces/objects/%ff", { method: "PUT", body: "x" })).status).toBe(422);
    const listed = await bucket.list({ prefix: "theirs/x" });
    expect(listed.objects).toEqual([]);
    expect((await call(key, "/v1/stores/faces/objects/mine%2Fx.png", { method: "PUT", body: "x" })).status).toBe(201);
  });

  it("gets no foreign picture by forging its own labels.jsonl", async () => {
    await bucket.put("theirs/secret.png", secret);
    await bucket.put("mine/in/a.png", secret);
    const { key } = await makeKey({ grants: mine });
    const { body } = await ask<JobView>(key, "POST", "/v1/jobs", jobOver({ prefix: "mine/in/" }));
    await follow(key, body.id);
    const labels = `${body.output.prefix}labels.jsonl`;
    const honest = await readText(await call(key, `/v1/jobs/${body.id}/labels`));
    const view = (length: number) => call(key, `/v1/jobs/${body.id}/images/mine%2Fin%2Fa.png?at=0&length=${length}`);
    expect((await view(honest.trimEnd().length)).status).toBe(200);
    const forged = honest
      .replace('"key":"mine/in/a.png"', '"key":"theirs/secret.png"')
      .replace(/"etag":"[^"]*"/, '"etag":null');
    expect(forged).not.toBe(honest);
    await call(key, `/v1/stores/faces/objects/${labels}`, { method: "PUT", body: forged });
    expect((await view(forged.trimEnd().length)).status).toBe(403);
    const list = `${body.output.prefix}input.jsonl`;
    const frozen = await readText(await call(key, `/v1/jobs/${body.id}/outputs/input.jsonl`));
    const foreign = frozen.replace('"key":"mine/in/a.png"', '"key":"theirs/secret.png"');
    expect(foreign).not.toBe(frozen);
    await call(key, `/v1/stores/faces/objects/${list}`, { method: "PUT", body: foreign });
    expect((await ask(key, "GET", `/v1/jobs/${body.id}/verify`)).status).toBe(403);
  });
});

describe("another key", () => {
  it("finds no trace of a job: 404 on every route, absent from the list, own idempotency keys", async () => {
    await bucket.put("mine/in/a.png", secret);
    const [owner, other] = [await makeKey(), await makeKey()];
    const headers = { "idempotency-key": "same" };
    const manifest = jobOver({ prefix: "mine/in/" });
    const { body } = await ask<JobView>(owner.key, "POST", "/v1/jobs", manifest, headers);
    const routes = [
      ["GET", ""],
      ["GET", "/events"],
      ["GET", "/labels"],
      ["GET", "/report"],
      ["GET", "/outputs"],
      ["GET", "/outputs/labels.jsonl"],
      ["GET", "/images/a?at=0&length=10"],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["POST", "/cancel"],
      ["POST", "/retry-failed"],
      ["GET", "/verify"],
      ["GET", "/reads/a.b"],
      ["POST", "/canary"],
      ["PUT", "/canary"],
      ["POST", "/leases"],
      ["PUT", "/chunks/000000"],
      ["POST", "/chunks/000000/renew"],
      ["DELETE", "/chunks/000000"],
      ["DELETE", ""],
    ] as const;
    for (const [method, path] of routes) {
      const { status } = await ask(other.key, method, `/v1/jobs/${body.id}${path}`);
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    const encoded = body.id.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`);
    expect((await ask(other.key, "GET", `/v1/jobs/${encoded}`)).status).toBe(404);
    const list = await ask<{ jobs: JobView[] }>(other.key, "GET", "/v1/jobs");
    expect(list.body.jobs).toEqual([]);
    const own = await ask<JobView>(other.key, "POST", "/v1/jobs", manifest, headers);
    expect(own.status).toBe(201);
    expect(own.body.id).not.toBe(body.id);
    await follow(owner.key, body.id);
    await follow(other.key, own.body.id);
    expect((await ask<{ jobs: JobView[] }>(owner.key, "GET", "/v1/jobs")).body.jobs.map(({ id }) => id)).toEqual([
      body.id,
    ]);
  });
});

describe("another key's schedule", () => {
  it("does not exist: it is not read, changed, run or removed, nor in the list", async () => {
    const [owner, other] = [await makeKey(), await makeKey()];
    const schedule = { name: "nightly", cron: "30 2 * * *", enabled: false, manifest: jobOver({ prefix: "mine/in/" }) };
    const { body } = await ask<{ id: string }>(owner.key, "POST", "/v1/schedules", schedule);
    const attempts = [
      ["GET", "", undefined],
      ["PATCH", "", { name: "stolen" }],
      ["POST", "/run", {}],
      ["DELETE", "", undefined],
    ] as const;
    for (const [method, path, sent] of attempts) {
      const { status } = await ask(other.key, method, `/v1/schedules/${body.id}${path}`, sent);
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    expect((await ask<{ schedules: unknown[] }>(other.key, "GET", "/v1/schedules")).body.schedules).toEqual([]);
    expect((await ask(owner.key, "GET", `/v1/schedules/${body.id}`)).body).toMatchObject({ name: "nightly" });
    await ask(owner.key, "DELETE", `/v1/schedules/${body.id}`);
  });

  it("cannot be made to submit what the key itself may not, now or by a window", async () => {
    const { key } = await makeKey({ grants: mine });
    const prefixes = ["theirs/", "{yyyy}/", "mine/../theirs/{dd}/", "mine{hh}/"];
    for (const prefix of prefixes) {
      const schedule = { name: "x", cron: "30 2 * * *", manifest: jobOver({ prefix }) };
      const { status } = await ask(key, "POST", "/v1/schedules", schedule);
      expect([prefix, status]).toEqual([prefix, 403]);
    }
  });
});

describe("without a key", () => {
  it("nothing answers but the description and the health, and no other origin is let in", async () => {
    for (const path of ["/v1/jobs", "/v1/models", "/v1/stores", "/v1/keys", "/v1/nothing"]) {
      const response = await exports.default.fetch(`http://127.0.0.1${path}`, {
        headers: { origin: "https://evil.test" },
      });
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      await response.body?.cancel();
    }
    const preflight = await exports.default.fetch("http://127.0.0.1/v1/jobs", {
      method: "OPTIONS",
      headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(401);
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("no path tells which methods it has", async () => {
    for (const method of ["PUT", "PATCH", "OPTIONS"]) {
      const response = await exports.default.fetch("http://127.0.0.1/v1/jobs", { method });
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 401, null]);
      await response.body?.cancel();
    }
  });

  it("the local key opens nothing on another host", async () => {
    const headers = { authorization: `Bearer ${ADMIN}` };
    for (const host of ["example.com", "127.0.0.1.example.com", "localhost.example.com"]) {
      expect((await exports.default.fetch(`http://${host}/v1/keys`, { headers })).status).toBe(401);
    }
  });
});

describe("answers", () => {
  it("name the methods of a path that was asked with another, and say of no other path that it exists", async () => {
    const id = crypto.randomUUID();
    const asked = [
      ["PUT", "/v1/jobs", "GET, HEAD, POST"],
      ["OPTIONS", "/v1/keys", "GET, HEAD, POST"],
      ["POST", `/v1/jobs/${id}`, "GET, HEAD, DELETE"],
      ["GET", `/v1/jobs/${id}/pause`, "POST"],
      ["POST", "/v1/stores/faces/objects/a/b.png", "PUT"],
      ["DELETE", "/healthz", "GET, HEAD"],
      ["PATCH", "/v1/openapi.json", "GET, HEAD"],
    ] as const;
    for (const [method, path, allow] of asked) {
      const response = await call(ADMIN, path, { method });
      const { code } = (await response.json()) as { code: string };
      expect([method, path, response.status, code, response.headers.get("allow")]).toEqual([
        method,
        path,
        405,
        "method_not_allowed",
        allow,
      ]);
    }
    for (const path of ["/v1/nothing", "/v1", "/v1/jobs/", "/v1//jobs", "/V1/jobs"]) {
      const response = await call(ADMIN, path, { method: "PUT" });
      await response.body?.cancel();
      expect([path, response.status, response.headers.get("allow")]).toEqual([path, 404, null]);
    }
  });

  it("carry the headers that keep a browser from guessing, framing and caching", async () => {
    const { headers } = await call(ADMIN, "/v1/stores");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("hold no secret and no line break of the request's, in headers or errors", async () => {
    const values = Object.values(env as Record<string, unknown>).filter((value) => typeof value === "string");
    const secrets = values.filter((value) => /key|secret/.test(value) && value.length > 8 && !value.startsWith("{"));
    expect(secrets).toContain(ADMIN);
    const attempts = [
      ask(ADMIN, "POST", "/v1/jobs", { input: { store: "faces\r\nset-cookie: a=b" }, output: {}, [ADMIN]: 1 }),
      ask("local-development-kez", "GET", "/v1/jobs"),
      ask(ADMIN, "GET", "/v1/nothing%0d%0aset-cookie:%20a=b"),
      ask(ADMIN, "GET", "/v1/jobs/%0d%0a"),
    ];
    for (const { status, body } of await Promise.all(attempts)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(JSON.stringify(body)).not.toContain("local-development-kez");
    }
    const response = await call(ADMIN, "/v1/nothing%0d%0aset-cookie:%20a=b");
    expect(response.headers.get("set-cookie")).toBeNull();
    expect((await call(ADMIN, "/v1/stores", { headers: { "content-length": "99999999999" } })).status).toBe(413);
  });
});
