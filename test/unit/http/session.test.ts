import { describe, expect, it } from "vitest";
import type { ApiDeps } from "../../../src/http/api-deps.ts";
import { createApp } from "../../../src/http/app.ts";
import {
  clearSessionCookie,
  listCookies,
  makeSessionCookie,
  readSession,
  SESSION_COOKIE,
} from "../../../src/http/session.ts";
import { createConsoleLogger } from "../../../src/log.ts";
import type { ApiKeyRecord } from "../../../src/scoring/access/api-key.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";

const URL = "https://faces.example/v1/jobs";
const HOUR = 3_600_000;
const KEY: ApiKeyRecord = {
  id: "9f1c2b7a5d3e4f60",
  name: "ward",
  scopes: ["jobs:read"],
  grants: null,
  purposes: null,
  maxJobs: null,
  maxPriority: 0,
  maxImagesPerDay: null,
  sha256: "a".repeat(64),
  previous: null,
  createdMs: 0,
  expiresMs: null,
};

const signIn = async (sha256 = KEY.sha256, url = URL): Promise<string> =>
  (await makeSessionCookie({ id: KEY.id, sha256 }, url, 0)).split(";")[0]!;

/** Number of the session that these cookies open, at this time; `null`: none. */
async function open(
  cookie: string,
  {
    key = KEY,
    nowMs = HOUR,
    ended = [],
    url = URL,
    origin = "https://faces.example",
    method = "GET",
  }: {
    key?: ApiKeyRecord | null;
    nowMs?: number;
    ended?: readonly string[];
    url?: string;
    origin?: string;
    method?: string;
  } = {},
): Promise<string | null> {
  const request = new Request(url, { method, headers: { cookie, origin } });
  const reader = { readKey: async () => key, isSessionEnded: async (id: string) => ended.includes(id) };
  return (await readSession(request, reader, nowMs))?.id ?? null;
}

describe("a session's cookie", () => {
  it("opens until it is signed out, its day is over, or its key is gone; each sign-in has a session of its own", async () => {
    const [cookie, another] = [await signIn(), await signIn()];
    const id = await open(cookie);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await open(another)).not.toBe(id);
    expect(await open(cookie, { ended: [id!] })).toBeNull();
    expect(await open(another, { ended: [id!] })).not.toBeNull();
    expect(await open(cookie, { nowMs: 12 * HOUR - 1 })).toBe(id);
    expect(await open(cookie, { nowMs: 12 * HOUR })).toBeNull();
    expect(await open(cookie, { key: null })).toBeNull();
  });

  it("lives through the overlap of its key's rotation, and no longer", async () => {
    const cookie = await signIn();
    const rotated = { ...KEY, sha256: "b".repeat(64), previous: { sha256: KEY.sha256, untilMs: 2 * HOUR } };
    expect(await open(cookie, { key: rotated, nowMs: 2 * HOUR - 1 })).not.toBeNull();
    expect(await open(cookie, { key: rotated, nowMs: 2 * HOUR })).toBeNull();
    expect(await open(await signIn(rotated.sha256), { key: rotated, nowMs: 2 * HOUR })).not.toBeNull();
  });

  it("opens nothing once a character of it is another", async () => {
    const cookie = await signIn();
    for (let at = SESSION_COOKIE.length + 1; at < cookie.length; at++) {
      const other = cookie[at] === "1" ? "2" : "1";
      expect(await open(`${cookie.slice(0, at)}${other}${cookie.slice(at + 1)}`), `at ${at}`).toBeNull();
    }
  });

  it("is found behind older cookies of its name", async () => {
    const cookie = await signIn();
    const old = `${SESSION_COOKIE}=admin.1.${"0".repeat(64)}`;
    expect(await open(`${old}; theme=dark; ${cookie}`)).toBe(await open(cookie));
    expect(await open(old)).toBeNull();
  });

  it("belongs to this host alone over HTTPS, and ends under the same name", async () => {
    expect(await makeSessionCookie(KEY, URL, 0)).toMatch(
      /^__Host-countenance_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/,
    );
    expect(clearSessionCookie(URL)).toMatch(/^__Host-countenance_session=; Path=\/; .*Max-Age=0; Secure$/);
    const local = "http://127.0.0.1:8787/v1/jobs";
    const cookie = await signIn(KEY.sha256, local);
    expect(cookie).toMatch(/^countenance_session=/);
    expect(listCookies(new Request(URL, { headers: { cookie } }))).toEqual([]);
    expect(await open(cookie, { url: local, origin: "http://127.0.0.1:8787" })).not.toBeNull();
  });

  it("changes nothing for another origin", async () => {
    const cookie = await signIn();
    await expect(open(cookie, { method: "POST", origin: "https://faces.example:444" })).rejects.toMatchObject({
      code: "forbidden",
    });
    expect(await open(cookie, { method: "POST" })).not.toBeNull();
  });
});

/** A key that nobody made. */
const guess = (at: number) => ({ authorization: `Bearer ctn_${String(at).padStart(16, "0")}_${"x".repeat(43)}` });

describe("the API", () => {
  const ADMIN = "an-admin-key-for-tests-of-32-characters";

  /** The API with a limit of requests by address, and what it asked the directory of keys. */
  function openApi(limit = Number.POSITIVE_INFINITY) {
    const ended = new Set<string>();
    const asked: string[] = [];
    const limited: string[] = [];
    const deps = {
      adminKey: ADMIN,
      devKey: null,
      limits: LIMITS,
      version: "1",
      clock: () => 0,
      storeNames: [],
      logger: createConsoleLogger(() => undefined),
      limitRate: async (who: string) => {
        limited.push(who.split(":")[0]!);
        return !who.startsWith("address:") || limited.filter((kind) => kind === "address").length <= limit;
      },
      keys: {
        readKey: async (id: string) => {
          asked.push(id);
          return null;
        },
        isSessionEnded: async (id: string) => ended.has(id),
        endSession: async (id: string) => !ended.has(id) && (ended.add(id), true),
      },
    };
    const app = createApp(deps as unknown as ApiDeps);
    const call = (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
      app.request(`https://faces.example${path}`, { ...init, headers });
    return { call, asked, limited };
  }

  it("ends a session on the server when it is signed out", async () => {
    const { call } = openApi();
    const signed = await call("/v1/session", {}, { method: "POST", body: JSON.stringify({ key: ADMIN }) });
    expect(signed.status).toBe(200);
    const cookie = signed.headers.getSetCookie()[0]!.split(";")[0]!;
    const origin = "https://faces.example";
    expect((await call("/v1/stores", { cookie })).status).toBe(200);
    expect((await call("/v1/session", { cookie, origin }, { method: "DELETE" })).status).toBe(204);
    expect((await call("/v1/stores", { cookie })).status).toBe(401);
  });

  it("tells a browser without a session that nobody is signed in, and refuses a key or a cookie that opens nothing", async () => {
    const { call, asked, limited } = openApi();
    const visit = await call("/v1/session", { cookie: "theme=dark", origin: "https://evil.test" });
    expect([visit.status, await visit.json()]).toEqual([200, { key: null }]);
    expect(visit.headers.get("cache-control")).toBe("no-store");
    expect(visit.headers.get("access-control-allow-origin")).toBeNull();
    expect([asked, limited]).toEqual([[], ["address"]]);
    const wrong: readonly Record<string, string>[] = [
      guess(1),
      { authorization: "" },
      { cookie: `${SESSION_COOKIE}=` },
    ];
    for (const headers of wrong) expect((await call("/v1/session", headers)).status).toBe(401);
  });

  it("counts unknown keys against their address before it asks the directory, known ones never", async () => {
    const { call, asked, limited } = openApi(3);
    const statuses = [];
    for (let at = 0; at < 6; at++) statuses.push((await call("/v1/stores", guess(at))).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
    expect(asked).toHaveLength(3);
    const mine = openApi(1);
    const authorization = `Bearer ${ADMIN}`;
    for (let at = 0; at < 5; at++) expect((await mine.call("/v1/stores", { authorization })).status).toBe(200);
    expect(mine.limited.filter((kind) => kind === "address")).toHaveLength(1);
    expect(limited).toContain("address");
  });
});
