import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createCountenance } from "../../src/embedded.ts";
import type { Caller } from "../../src/scoring/access/access.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";

/** The platform as a part of another Worker: mounted below a path, with that Worker's own users and stores. */

const rights: Omit<Caller, "keyId"> = {
  scopes: ["jobs:read", "jobs:write", "objects:write"],
  grants: [{ store: "own", prefix: "anna/" }],
  purposes: null,
  maxJobs: null,
  maxImagesPerDay: null,
};

const own = createMemoryStore();
const countenance = createCountenance({
  basePath: "/faces/",
  auth: {
    identify: (request) => {
      const user = request.headers.get("x-user");
      return user === null ? null : { ...rights, keyId: `user:${user}` };
    },
    recall: (keyId) => (keyId === "user:anna" ? { ...rights, keyId } : null),
  },
  stores: () => ({ own }),
});

function ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Response> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const init = { method, headers: { "content-type": "application/json", ...headers }, ...sent };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bindings of wrangler.toml
  return countenance.fetch(new Request(`http://127.0.0.1${path}`, init), env as Record<string, unknown>);
}

const anna = { "x-user": "anna" };
const bert = { "x-user": "bert" };
const key = { authorization: "Bearer local-development-key" };

const manifest = (prefix: string): unknown => ({
  input: { store: "own", prefix },
  output: { store: "own", prefix: "anna/out/" },
  faces: "aligned",
});

it("answers below its path, and nowhere else", async () => {
  expect((await ask("GET", "/faces/v1/models", anna)).status).toBe(200);
  for (const path of ["/v1/models", "/faces", "/facesv1/models", "/faces/faces/v1/models"]) {
    expect([path, (await ask("GET", path, anna)).status]).toEqual([path, 404]);
  }
  const description = (await (await ask("GET", "/faces/v1/openapi.json")).json()) as { readonly servers: unknown };
  expect(description.servers).toEqual([{ url: "/faces" }]);
  const signedIn = await ask("POST", "/faces/v1/session", {}, { key: "local-development-key" });
  expect(signedIn.headers.get("set-cookie")).toContain("Path=/faces/;");
});

it("knows the Worker's own users, with the rights that they have, and API keys as well", async () => {
  expect((await ask("GET", "/faces/v1/models")).status).toBe(401);
  expect((await ask("GET", "/faces/v1/keys", anna)).status).toBe(403);
  expect((await ask("GET", "/faces/v1/keys", key)).status).toBe(200);
  expect((await ask("POST", "/faces/v1/jobs", anna, manifest("bert/"))).status).toBe(403);
  const made = await ask("POST", "/faces/v1/jobs", anna, manifest("anna/in/"));
  const { id } = (await made.json()) as { readonly id: string };
  expect([made.status, made.headers.get("location")]).toEqual([201, `/faces/v1/jobs/${id}`]);
  expect((await ask("GET", `/faces/v1/jobs/${id}`, anna)).status).toBe(200);
  expect((await ask("GET", `/faces/v1/jobs/${id}`, bert)).status).toBe(404);
});

it("runs the schedules of its users for as long as they have rights", async () => {
  const schedule = {
    name: "nightly",
    cron: "0 3 * * *",
    manifest: { input: { store: "own", prefix: "anna/in/" }, output: { store: "own", prefix: "anna/out/" } },
  };
  const made = await ask("POST", "/faces/v1/schedules", anna, schedule);
  const location = made.headers.get("location") ?? "";
  expect([made.status, location]).toEqual([201, expect.stringMatching(/^\/faces\/v1\/schedules\//)]);
  expect((await ask("POST", `${location}/run`, anna, {})).status).toBeLessThan(300);
});

it("says as a problem document what is wrong with the configuration, and is well again when that is mended", async () => {
  const broken = { ...(env as Record<string, unknown>), STORES: '{ "faces": { "kind": "r2", "binding": "NOWHERE" } }' };
  for (const path of ["/faces/healthz", "/faces/v1/jobs"]) {
    const answer = await countenance.fetch(new Request(`http://127.0.0.1${path}`), broken);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({
      code: "config_invalid",
      instance: path.slice("/faces".length),
      detail: "NOWHERE is not bound as wrangler.toml says",
    });
  }
  expect((await ask("GET", "/faces/healthz")).status).toBe(200);
});
