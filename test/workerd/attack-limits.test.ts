import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture } from "./api-client.ts";

/** Requests that are too many, too large, too deep or too clever, against the whole Worker. */

const picture = readPicture("grey-48x48.png");

function manifestFor(prefix: string, more: Record<string, unknown> = {}) {
  return {
    input: { store: "faces", prefix: `${prefix}in/` },
    output: { store: "faces", prefix: `${prefix}out/` },
    ...more,
  };
}

describe("quotas", () => {
  it("of jobs hold against requests at the same moment", async () => {
    await bucket.put("race/in/a.png", picture);
    const { key } = await makeKey({ maxJobs: 2 });
    // Chunks of a client's job are nobody's until one comes: no job ends meanwhile.
    const manifest = manifestFor("race/", { execution: "client" });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ask<JobView>(key, "POST", "/v1/jobs", manifest)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  });

  it("of images hold against jobs at the same moment", async () => {
    await bucket.put("rush/in/a.png", picture);
    await bucket.put("rush/in/b.png", picture);
    const { key } = await makeKey({ maxImagesPerDay: 5 });
    const submitted = await Promise.all(
      Array.from({ length: 5 }, () => ask<JobView>(key, "POST", "/v1/jobs", manifestFor("rush/"))),
    );
    const ended = await Promise.all(submitted.map(({ body }) => follow(key, body.id)));
    const scored = ended.reduce((sum, { counts }) => sum + counts.outcomes.scored, 0);
    expect(scored).toBe(4);
    expect(ended.filter(({ failure }) => failure?.code === "quota_exceeded")).toHaveLength(3);
  });

  it("are one for a key and its session", async () => {
    const { id, key } = await makeKey({ maxJobs: 1 });
    await bucket.put("both/in/a.png", picture);
    const manifest = manifestFor("both/", { execution: "client" });
    expect((await ask(key, "POST", "/v1/jobs", manifest)).status).toBe(201);
    const signedIn = await exports.default.fetch("http://127.0.0.1/v1/session", {
      method: "POST",
      body: JSON.stringify({ key }),
    });
    expect(await signedIn.json()).toEqual({ key: id });
    const headers = { cookie: signedIn.headers.get("set-cookie")!.split(";")[0]!, "sec-fetch-site": "same-origin" };
    const again = await exports.default.fetch("http://127.0.0.1/v1/jobs", {
      method: "POST",
      headers,
      body: JSON.stringify(manifest),
    });
    expect(again.status).toBe(429);
  });
});

describe("the rate", () => {
  it("counts what stands where leased inputs are read and is none: foreign jobs, jobs of the edge, other methods", async () => {
    await bucket.put("reads/in/a.png", picture);
    const { key } = await makeKey();
    const { body } = await ask<JobView>(key, "POST", "/v1/jobs", manifestFor("reads/"));
    await follow(key, body.id);
    const paths = [`${crypto.randomUUID()}/reads/x`, `${body.id}/reads/x`, `${body.id}/reads/x/y`, "x/reads/x"];
    const seen = new Set<number>();
    for (let i = 0; i < 30 && !seen.has(429); i++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          call(key, `/v1/jobs/${paths[n % 4]}`, { method: n % 8 < 4 ? "GET" : "DELETE" }),
        ),
      );
      for (const answer of answers) {
        seen.add(answer.status);
        await answer.body?.cancel();
      }
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([404, 405, 409, 429]);
  });
});

/** A body whose length nobody announced. */
function makeStream(bytes: number): ReadableStream<Uint8Array> {
  const block = new Uint8Array(64 * 1024).fill(0x20);
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) controller.close();
      else controller.enqueue(block.subarray(0, Math.min(left, block.length)));
      left -= block.length;
    },
  });
}

describe("bodies", () => {
  it.each([
    ["POST", "/v1/jobs", LIMITS.maxManifestBytes],
    ["POST", "/v1/keys", 64 * 1024],
    ["POST", "/v1/session", 4096],
    ["POST", "/v1/schedules", LIMITS.maxScheduleBytes],
    ["PUT", "/v1/stores/faces/objects/large.bin", LIMITS.maxUploadBytes],
  ])("%s %s: one byte too many is refused, announced or not", async (method, path, limit) => {
    for (const body of [makeStream(limit + 1), new Uint8Array(limit + 1)]) {
      const response = await call(ADMIN, path, { method, body });
      expect([path, response.status]).toEqual([path, 413]);
      await response.body?.cancel();
    }
    expect(await bucket.head("large.bin")).toBeNull();
  });

  it("of any depth are read without an end of the stack", async () => {
    const deep = "[".repeat(30_000);
    const texts = [
      `${deep}${"]".repeat(30_000)}`,
      deep,
      `{"input":${deep}${"]".repeat(30_000)}}`,
      `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`,
      `{"name":"deep","cron":"0 3 * * *","manifest":{"x":${'{"a":'.repeat(9000)}1${"}".repeat(9000)}}}`,
    ];
    for (const path of ["/v1/jobs", "/v1/schedules", "/v1/keys", "/v1/session"]) {
      for (const body of texts) {
        const response = await call(ADMIN, path, { method: "POST", body });
        expect([path, body.slice(0, 20), response.status < 500]).toEqual([path, body.slice(0, 20), true]);
        expect((await response.text()).length).toBeLessThan(64 * 1024);
      }
    }
  });

  it("pollute no prototype", async () => {
    const bodies = [
      '{"__proto__":{"polluted":1,"scopes":["admin"]},"name":"x"}',
      '{"constructor":{"prototype":{"polluted":1}},"name":"x"}',
      '{"name":"x","grants":[{"store":"faces","prefix":"a/","__proto__":{"polluted":1}}]}',
      '{"name":"x","cron":"0 3 * * *","manifest":{"__proto__":{"polluted":1},"input":{"__proto__":{"polluted":1}}}}',
      '{"input":{"store":"faces","objects":[{"key":"a","groups":{"__proto__":"polluted"}}]},"output":{"store":"faces"},"dryRun":true}',
    ];
    for (const path of ["/v1/jobs", "/v1/schedules", "/v1/keys"]) {
      for (const body of bodies) {
        const { status } = await call(ADMIN, path, { method: "POST", body });
        expect([path, body, status < 500]).toEqual([path, body, true]);
      }
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("texts", () => {
  it("of any length in headers and addresses are answered, not obeyed", async () => {
    const long = "a".repeat(8000);
    const requests: [string, Record<string, string>][] = [
      [`/v1/jobs/${long}`, {}],
      [`/v1/jobs?limit=5&cursor=${long}`, {}],
      [`/v1/schedules/${long}`, {}],
      [`/v1/keys/${long}`, {}],
      [`/v1/stores/${long}/objects/x`, {}],
      ["/v1/jobs?limit=5", { cookie: `countenance_session=${long}` }],
      ["/v1/jobs?limit=5", { range: `bytes=${"0-0,".repeat(2000)}` }],
      ["/v1/jobs?limit=5", { accept: "text/html;q=0.1,".repeat(500) }],
      ["/v1/jobs?limit=5", { "last-event-id": "9".repeat(4000) }],
    ];
    for (const [path, headers] of requests) {
      const response = await call(ADMIN, path, { headers });
      expect([path.slice(0, 20), response.status < 500]).toEqual([path.slice(0, 20), true]);
      expect((await response.text()).length).toBeLessThan(32 * 1024);
    }
    const headers = { authorization: `Bearer ctn_${long}` };
    const unknown = await exports.default.fetch("http://127.0.0.1/v1/jobs", { headers });
    expect(unknown.status).toBe(401);
    expect(await unknown.text()).not.toContain("aaaa");
  });

  it("of SQL stay texts", async () => {
    const { key } = await makeKey();
    const evil = "' OR '1'='1'; DROP TABLE jobs; --";
    const query = encodeURIComponent(evil);
    for (const path of [`/v1/jobs?cursor=${query}`, `/v1/schedules?cursor=${query}`]) {
      const { status, body } = await ask<{ jobs?: unknown[]; schedules?: unknown[] }>(key, "GET", path);
      expect([path, status < 500, body.jobs ?? body.schedules ?? []]).toEqual([path, true, []]);
    }
    const manifest = { ...manifestFor("sql/"), name: evil, purpose: evil, execution: "client" };
    const made = await ask<JobView>(key, "POST", "/v1/jobs", manifest, { "idempotency-key": evil });
    expect(made).toMatchObject({ status: 201, body: { name: evil } });
    const known = await ask<JobView>(key, "POST", "/v1/jobs", manifest, { "idempotency-key": evil });
    expect([known.status, known.body.id]).toEqual([200, made.body.id]);
    expect((await ask(ADMIN, "GET", "/v1/jobs")).status).toBe(200);
  });

  it("of cron patterns take no time", async () => {
    const patterns = [
      `${"*,".repeat(40)}* * * * *`,
      `${"0-59/1,".repeat(12)}0 * * * *`,
      "0 0 30 2 *",
      "0 0 29 2 1#5",
      "99999999999 * * * *",
      "*/0 * * * *",
      `${"1".repeat(90)} * * * *`,
      "0 0 L * *",
      "@reboot",
    ];
    for (const cron of patterns) {
      const { status } = await ask(ADMIN, "POST", "/v1/schedules", { name: "x", cron, manifest: manifestFor("cron/") });
      expect([cron, [201, 422].includes(status)]).toEqual([cron, true]);
    }
  });

  it("that look alike are not alike: a grant opens its own code points only", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "caf\u00e9/" }] });
    const put = async (name: string) => {
      const path = `/v1/stores/faces/objects/${encodeURIComponent(name)}`;
      const response = await call(key, path, { method: "PUT", body: "x" });
      await response.body?.cancel();
      return response.status;
    };
    expect(await put("caf\u00e9/a")).toBe(201);
    for (const name of [
      "cafe\u0301/a",
      "CAF\u00c9/a",
      "caf\u00e9\u2215a",
      "caf\u00e9\uff0fa",
      "caf\u00e9",
      "\ufeffcaf\u00e9/a",
    ])
      expect([name, await put(name)]).toEqual([name, 403]);
  });

  it("may hold line ends, in keys of objects", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "lines/" }] });
    for (const name of ["lines/a\nb", "lines/\r\n", "lines/\u2028\u2029", "lines/\n/\n"]) {
      const path = `/v1/stores/faces/objects/${encodeURIComponent(name)}`;
      const { status, body } = await ask<{ key: string }>(key, "PUT", path, "x");
      expect([name, status, body.key]).toEqual([name, 201, name]);
      expect((await bucket.head(name))?.size).toBe(3);
      expect((await ask(key, "PUT", path.replace("lines", "lines%0A"), "x")).status).toBe(403);
      expect((await call("", path, { method: "PUT", body: "x" })).status).toBe(401);
    }
  });

  it("of dates lie within the calendar: a key that never ends says so, and the list of keys stays readable", async () => {
    for (const expiresInSeconds of [Number.MAX_SAFE_INTEGER, 8.64e12, 1e308]) {
      expect((await ask(ADMIN, "POST", "/v1/keys", { name: "far", expiresInSeconds })).status).toBe(422);
    }
    expect((await ask(ADMIN, "GET", "/v1/keys")).status).toBe(200);
  });

  it("of a store that a key may not use say nothing of it", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "mine/" }] });
    const answers = await Promise.all(
      ["faces/objects/theirs", "nowhere/objects/theirs"].map((path) => ask(key, "PUT", `/v1/stores/${path}`, {})),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
  });
});
