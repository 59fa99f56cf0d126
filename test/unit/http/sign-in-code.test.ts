import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ApiDeps } from "../../../src/http/api-deps.ts";
import { createApp } from "../../../src/http/app.ts";
import { makeBuiltInKey } from "../../../src/http/auth.ts";
import { makeSignInCode, readSignInCode } from "../../../src/http/sign-in-code.ts";
import { createDirectoryRows } from "../../../src/jobs/directory-rows.ts";
import { createConsoleLogger } from "../../../src/log.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { loadSqlite } from "../../../src/serve/sqlite-file.ts";

const HOUR = 3_600_000;
const ADMIN = "an-admin-key-for-tests-of-32-characters";
const admin = await makeBuiltInKey("admin", ADMIN);

/** The API over a directory with real rows, at a time that can be changed. */
async function openApi(url = "https://faces.example/v1/session") {
  const openSqlite = await loadSqlite();
  const time = { nowMs: 0 };
  const deps = {
    adminKey: ADMIN,
    devKey: null,
    limits: LIMITS,
    version: "1",
    clock: () => time.nowMs,
    storeNames: [],
    logger: createConsoleLogger(() => undefined),
    limitRate: async () => true,
    keys: createDirectoryRows(openSqlite(":memory:", "system").sql),
  };
  const app = createApp(deps as unknown as ApiDeps);
  const signIn = (code: string, headers: Record<string, string> = {}) =>
    app.request(url, { method: "POST", body: JSON.stringify({ code }), headers });
  return { app, time, signIn };
}

describe("the code of a printed link", () => {
  it("signs in once, as the key that made it", async () => {
    const { app, signIn } = await openApi();
    const code = await makeSignInCode(admin, 0);
    const signed = await signIn(code);
    expect([signed.status, await signed.json()]).toEqual([200, { key: "admin" }]);
    const cookie = signed.headers.getSetCookie()[0]!.split(";")[0]!;
    expect((await app.request("https://faces.example/v1/stores", { headers: { cookie } })).status).toBe(200);
    const again = await signIn(code);
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({
      detail: "the link was used before or is too old: sign in with the API key",
    });
    expect((await signIn(await makeSignInCode(admin, 0))).status).toBe(200);
  });

  it("signs one of two in that use it at the same time", async () => {
    const { signIn } = await openApi();
    const code = await makeSignInCode(admin, 0);
    const answers = await Promise.all([signIn(code), signIn(code), signIn(code)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
  });

  it("is refused after an hour, and from a page of another origin", async () => {
    const { signIn, time } = await openApi();
    const code = await makeSignInCode(admin, 0);
    expect((await signIn(code, { origin: "https://elsewhere.example" })).status).toBe(403);
    time.nowMs = HOUR;
    expect((await signIn(code)).status).toBe(401);
    time.nowMs = HOUR - 1000;
    expect((await signIn(code)).status).toBe(200);
  });

  it("is refused once its key is another or gone", async () => {
    const code = await makeSignInCode(admin, 0);
    const read = async (id: string, sha256: string) => (id === "admin" ? { ...admin, sha256 } : null);
    expect(await readSignInCode(code, (id) => read(id, admin.sha256), 0)).toMatchObject({ endMs: HOUR });
    expect(await readSignInCode(code, (id) => read(id, "b".repeat(64)), 0)).toBeNull();
    expect(await readSignInCode(code, async () => null, 0)).toBeNull();
  });

  it("is no code any more with one bit of it changed", async () => {
    const code = await makeSignInCode(admin, 0);
    const [id = "", text = ""] = code.split(".");
    const bytes = Buffer.from(text, "base64url");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(bytes);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const other = `${id}.${changed.toString("base64url")}`;
        expect(await readSignInCode(other, async () => admin, 0)).toBeNull();
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80 }), async (other) => {
        expect(await readSignInCode(other, async () => admin, 0)).toBeNull();
      }),
    );
  });
});
