import { exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ADMIN, ask, call, makeKey } from "./api-client.ts";

/** Attacks on signing in, on the session's cookie and on the log, against the whole Worker. */

const HOST = "http://127.0.0.1";

const visit = (path: string, cookie: string, init: RequestInit = {}): Promise<Response> =>
  exports.default.fetch(`${HOST}${path}`, {
    ...init,
    headers: { cookie, ...(init.headers as Record<string, string>) },
  });

async function signIn(key: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(`${HOST}/v1/session`, { method: "POST", headers, body: JSON.stringify({ key }) });
}

async function getCookie(key: string): Promise<string> {
  return (await signIn(key)).headers.get("set-cookie")!.split(";")[0]!;
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const answer = await response;
  await answer.body?.cancel();
  return answer.status;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a session", () => {
  it("sits in a cookie that scripts, other sites and plain HTTP do not get", async () => {
    const { key } = await makeKey();
    const local = (await signIn(key)).headers.get("set-cookie")!;
    expect(local).toMatch(/; HttpOnly/);
    expect(local).toMatch(/; SameSite=Strict/);
    expect(local).toMatch(/^countenance_session=.*; Path=\/;/);
    const secure = await exports.default.fetch("https://127.0.0.1/v1/session", {
      method: "POST",
      body: JSON.stringify({ key }),
    });
    const [cookie, old] = secure.headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-countenance_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/,
    );
    expect(old).toMatch(/^countenance_session=; Path=\/v1;.*Max-Age=0/);
    expect(secure.headers.get("strict-transport-security")).toContain("max-age=");
  });

  it("changes nothing for another origin, however the request says where it comes from, or hides it", async () => {
    const { key } = await makeKey();
    const cookie = await getCookie(key);
    const origins: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { "sec-fetch-site": "cross-site", origin: HOST },
      { origin: "http://127.0.0.1:8080" },
      { origin: "https://127.0.0.1" },
      { origin: "http://127.0.0.1.evil.test" },
      { origin: "null" },
      {},
    ];
    const changes = [
      ["POST", "/v1/jobs"],
      ["PUT", "/v1/stores/faces/objects/a.png"],
      ["DELETE", "/v1/records?store=faces&key=a.png"],
      ["POST", "/v1/schedules"],
    ] as const;
    for (const headers of origins) {
      for (const [method, path] of changes) {
        const init = { method, headers, ...(method === "DELETE" ? {} : { body: "{}" }) };
        expect([method, headers, await statusOf(visit(path, cookie, init))]).toEqual([method, headers, 403]);
      }
    }
    const own = { method: "POST", headers: { origin: HOST }, body: "{}" };
    expect(await statusOf(visit("/v1/jobs", cookie, own))).toBe(422);
  });

  it("cannot be made, prolonged, or carried over to another key", async () => {
    const [mine, theirs] = [await makeKey(), await makeKey({ scopes: ["jobs:read", "admin"] })];
    const cookie = await getCookie(mine.key);
    const [id = "", number = "", end = "", signature = ""] = cookie.slice(cookie.indexOf("=") + 1).split(".");
    expect(id).toBe(mine.id);
    const forged = [
      `${theirs.id}.${number}.${end}.${signature}`,
      `admin.${number}.${end}.${signature}`,
      `local-development.${number}.${end}.${signature}`,
      `${id}.${number}.${Number(end) + 1}.${signature}`,
      `${id}.${number}.Infinity.${signature}`,
      `${id}.${number}.${end}.${"0".repeat(64)}`,
      `${id}.${number}.${end}.`,
      `${id}.${number}.${end}.${signature.slice(2)}`,
      `${id}.1.${signature}`,
      "",
      ".",
      ".".repeat(5000),
      `${id}.${"0".repeat(32)}.${end}.${signature}`,
    ];
    for (const value of forged) {
      expect([value, await statusOf(visit("/v1/session", `countenance_session=${value}`))]).toEqual([value, 401]);
    }
    expect(await statusOf(visit("/v1/session", `a=b; ${cookie}; c=d`))).toBe(200);
  });

  it("is not made by another site's form: nobody works under a stranger's key without knowing", async () => {
    const { key } = await makeKey();
    // As a form of the type text/plain sends it: one = somewhere, and the last of two names wins.
    const body = `{"key":"=","key":"${key}"}`;
    const forms: Record<string, string>[] = [
      { origin: "https://evil.test", "content-type": "text/plain" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ];
    for (const headers of forms) {
      const response = await exports.default.fetch(`${HOST}/v1/session`, { method: "POST", headers, body });
      expect(response.status).toBe(403);
      expect(response.headers.get("set-cookie")).toBeNull();
      await response.body?.cancel();
    }
    expect((await signIn(key, { origin: HOST })).status).toBe(200);
  });

  it("lives on through the overlap of a rotation, and ends with it", async () => {
    const { id, key } = await makeKey();
    const cookie = await getCookie(key);
    const rotate = (overlapSeconds: number) =>
      ask<{ key: string }>(ADMIN, "POST", `/v1/keys/${id}/rotate`, { overlapSeconds });
    const second = await rotate(3600);
    expect(await statusOf(visit("/v1/session", cookie))).toBe(200);
    // Signed in with the old text during the overlap: no longer than that.
    const late = await getCookie(key);
    expect(await statusOf(visit("/v1/session", late))).toBe(200);
    // The second text has an overlap now, and the first one's is over.
    const newer = await getCookie(second.body.key);
    await rotate(3600);
    for (const old of [cookie, late]) expect(await statusOf(visit("/v1/session", old))).toBe(401);
    expect(await statusOf(visit("/v1/session", newer))).toBe(200);
    const { body } = await rotate(0);
    expect(await statusOf(visit("/v1/session", newer))).toBe(401);
    expect(await statusOf(visit("/v1/session", await getCookie(body.key)))).toBe(200);
  });

  it("ends on the server when it is signed out, alone", async () => {
    const { key } = await makeKey();
    const [cookie, other] = [await getCookie(key), await getCookie(key)];
    const own = { method: "DELETE", headers: { "sec-fetch-site": "same-origin" } };
    expect(await statusOf(visit("/v1/session", cookie, own))).toBe(204);
    expect(await statusOf(visit("/v1/session", cookie))).toBe(401);
    expect(await statusOf(visit("/v1/session", other))).toBe(200);
    expect(await statusOf(visit("/v1/session", cookie, own))).toBe(204);
  });

  it("is found behind an older cookie of its name", async () => {
    const { key } = await makeKey();
    const cookie = await getCookie(key);
    const old = `countenance_session=admin.1.${"0".repeat(64)}`;
    expect(await statusOf(visit("/v1/session", `${old}; countenance_session=; ${cookie}`))).toBe(200);
    expect(await statusOf(visit("/v1/session", old))).toBe(401);
  });
});

describe("the log", () => {
  it("names who changed what and who was refused, and holds no key, cookie or signature", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
    const { id, key } = await makeKey({ scopes: ["jobs:read"] });
    const cookie = await getCookie(key);
    const wrong = `${key.slice(0, -1)}!`;
    await statusOf(call(key, "/v1/stores/faces/objects/a.png", { method: "PUT", body: "x" }));
    await statusOf(call(wrong, "/v1/jobs"));
    await statusOf(signIn(wrong));
    await statusOf(call(key, "/v1/keys%0d%0a%7B%22event%22%3A%22audit%22%7D", { method: "DELETE" }));
    await statusOf(call(key, "/v1/jobs"));
    await statusOf(visit("/v1/jobs", cookie, { method: "POST", headers: { origin: "https://evil.test" }, body: "{}" }));
    await ask(ADMIN, "DELETE", `/v1/keys/${id}`);
    const audit = lines.flatMap((line) => {
      const { event, fields } = JSON.parse(line) as { event: string; fields: Record<string, unknown> };
      return event === "audit" ? [[fields["who"], fields["method"], fields["path"], fields["status"]]] : [];
    });
    expect(audit).toEqual([
      ["local-development", "POST", "/v1/keys", 201],
      [id, "POST", "/v1/session", 200],
      [id, "PUT", "/v1/stores/faces/objects/a.png", 403],
      [null, "GET", "/v1/jobs", 401],
      [null, "POST", "/v1/session", 401],
      [id, "DELETE", expect.stringMatching(/^\/v1\/keys\r\n/), 403],
      [null, "POST", "/v1/jobs", 403],
      ["local-development", "DELETE", `/v1/keys/${id}`, 204],
    ]);
    const text = lines.join("\n");
    for (const secret of [key, wrong, key.slice(-43), cookie.slice(-64), ADMIN]) expect(text).not.toContain(secret);
  });
});
