import { readEvents } from "../../src/client/event-stream.ts";
import type { Canary, CanaryPass, LeaseAnswer } from "../../src/scoring/client-compute/protocol.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { OUTPUT_NAMES } from "../../src/scoring/keys.ts";
import type { Operation } from "./api-document.ts";

/** What is there before the fuzzer asks: keys, pictures, jobs in several states, schedules, a lease of a computing client. */

/** A request to the worker under test. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

/** What the scene needs from where it runs. */
export interface SceneParts {
  readonly send: Send;
  /** Opens everything; only the scene uses it. */
  readonly adminKey: string;
  readonly picture: Uint8Array<ArrayBuffer>;
  /** An honest answer to a canary. */
  scoreCanary(canary: Canary): Promise<{ readonly probabilities: readonly number[]; readonly pictureSha256: string }>;
}

/** Values by their names, for each operation. */
export interface Scene {
  /** Keys that requests are made with. */
  readonly admin: string;
  readonly limited: string;
  readonly cookie: string;
  /** Texts that no answer may hold. */
  readonly secrets: readonly string[];
  values(operation: Operation, name: string): readonly unknown[];
}

/** Names of parameters and properties that {@link Scene.values} has something for, by the operation's path. */
export function knowsValue({ name: operation, path }: Operation, name: string): boolean {
  if (name === "body") return WHOLE_BODIES.has(operation);
  if (name === "id" || name === "key") return path.includes(`{${name}}`) || path !== "/v1/keys";
  return NAMES.has(name);
}

const NAMES = new Set(
  "store prefix manifest model cron chunk address record name at length nonce token challenge idempotency-key purpose input".split(
    " ",
  ),
);
/** Where only one body is right. */
const WHOLE_BODIES = new Set(["PUT /v1/jobs/{id}/canary", "POST /v1/session"]);

/** Builds a scene with keys of its own, so that no round uses up another's requests a minute. */
export async function buildScene(parts: SceneParts): Promise<Scene> {
  const { send, adminKey, picture } = parts;
  async function ask<T>(key: string, method: string, path: string, body?: unknown): Promise<T> {
    const response = await send(path, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
  const makeKey = (rights: Record<string, unknown>) =>
    ask<{ readonly id: string; readonly key: string }>(adminKey, "POST", "/v1/keys", { name: "fuzz", ...rights });
  async function follow(key: string, id: string): Promise<void> {
    await (await send(`/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${key}` } })).text();
  }
  async function waitUntilPlanned(key: string, id: string): Promise<void> {
    const { body } = await send(`/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${key}` } });
    for await (const { data } of readEvents(body)) if ((JSON.parse(data) as JobView).counts.planned) return;
  }

  const scopes = ["jobs:read", "jobs:write", "objects:write"];
  const grants = [{ store: "faces", prefix: "mine/" }];
  const admin = await makeKey({ scopes: [...scopes, "admin"], maxPriority: 100 });
  const limited = await makeKey({ grants, maxImagesPerDay: 100_000 });
  const victims = [await makeKey({ grants, purposes: ["research"] }), await makeKey({ expiresInSeconds: 3600 })];
  const upload = (key: string, body: Uint8Array<ArrayBuffer> | string) =>
    send(`/v1/stores/faces/objects/${key}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${admin.key}` },
      body,
    }).then((response) => response.text());
  await upload("mine/in/a.png", picture);
  await upload("mine/in/broken.png", picture.slice(0, picture.length / 2));
  await upload("mine/list.jsonl", '{"key":"mine/in/a.png"}\n');

  const job = { input: { store: "faces", prefix: "mine/in/" }, output: { store: "faces", prefix: "mine/out/" } };
  const manifest = { ...job, purpose: "research" };
  const submit = (key: string, more: Record<string, unknown> = {}) =>
    ask<JobView>(key, "POST", "/v1/jobs", { ...manifest, ...more });
  const ended = await submit(limited.key);
  const others = await submit(admin.key, { groupBy: ["site"], faces: "largest" });
  const doomed = await submit(limited.key);
  const paused = await submit(limited.key);
  await ask(limited.key, "POST", `/v1/jobs/${paused.id}/pause`);
  await follow(limited.key, ended.id);
  await follow(admin.key, others.id);
  const labels = await (
    await send(`/v1/jobs/${ended.id}/labels`, { headers: { authorization: `Bearer ${limited.key}` } })
  ).text();

  const client = await submit(limited.key, {
    execution: "client",
    input: { store: "faces", manifest: { key: "mine/list.jsonl" } },
  });
  const canary = await ask<Canary>(limited.key, "POST", `/v1/jobs/${client.id}/canary`);
  const answer = { challenge: canary.challenge, backend: "node", ...(await parts.scoreCanary(canary)) };
  const { token } = await ask<CanaryPass>(limited.key, "PUT", `/v1/jobs/${client.id}/canary`, answer);
  await waitUntilPlanned(limited.key, client.id);
  const lease = await ask<LeaseAnswer>(limited.key, "POST", `/v1/jobs/${client.id}/leases`, { token });
  if (lease.kind !== "lease") throw new Error(`no chunk to lease: ${lease.kind}`);

  // What comes in while the fuzzer asks; others take their inputs when they are made.
  const open = await submit(limited.key, { input: { store: "faces", open: true } });
  const toSeal = await submit(limited.key, { input: { store: "faces", open: true } });
  const feed = await ask<{ readonly id: string }>(limited.key, "POST", "/v1/schedules", {
    name: "uploads",
    cron: "0 0 * * *",
    manifest: { ...manifest, input: { store: "faces", prefix: "mine/in/", open: true } },
  });

  const template = { name: "nightly", cron: "0 3 * * *", manifest: { ...manifest } };
  const schedules = [
    await ask<{ readonly id: string }>(limited.key, "POST", "/v1/schedules", template),
    await ask<{ readonly id: string }>(admin.key, "POST", "/v1/schedules", { ...template, enabled: false }),
    await ask<{ readonly id: string }>(limited.key, "POST", "/v1/schedules", template),
  ];
  const signedIn = await send("/v1/session", { method: "POST", body: JSON.stringify({ key: limited.key }) });
  const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";

  const known: Readonly<Record<string, readonly unknown[]>> = {
    store: ["faces"],
    prefix: ["mine/in/", "mine/out/"],
    model: ["deep-emotion", "deep-emotion@2", "hog-svm@1"],
    purpose: ["research"],
    input: [
      job.input,
      { store: "faces", objects: [{ key: "mine/in/a.png", id: "a" }] },
      { store: "faces", manifest: { key: "mine/list.jsonl" } },
    ],
    cron: ["0 3 * * *", "*/30 1-5 * * 1"],
    chunk: [lease.chunkId, lease.chunkId, "000000", "000001"],
    address: lease.items.map(({ url }) => url.split("/").at(-1)),
    record: ["mine/in/a.png"],
    at: [0],
    length: [labels.indexOf("\n")],
    name: Object.values(OUTPUT_NAMES),
    nonce: [lease.nonce],
    token: [token],
    challenge: [canary.challenge],
    "idempotency-key": ["one", "two"],
    key: ["mine/in/a.png", "mine/x/1.png", "other/x.png"],
  };
  const forJobs = [ended.id, ended.id, paused.id, others.id, client.id];
  return {
    admin: admin.key,
    limited: limited.key,
    cookie,
    secrets: [adminKey, admin.key, limited.key, ...victims.map(({ key }) => key)],
    values({ path, name: operation }, name) {
      if (name === "body") return operation.startsWith("PUT") ? [answer] : [{ key: limited.key }, { key: "ctn_none" }];
      if (name === "manifest") return path.startsWith("/v1/schedules") ? [manifest] : [{ key: "mine/list.jsonl" }];
      // There it is the number of a packed input.
      if (name === "input" && path.includes("/images/")) return [0];
      if (name !== "id") return known[name] ?? [];
      if (path.startsWith("/v1/keys")) return victims.map(({ id }) => id);
      if (path === "/v1/schedules/{id}/inputs") return [feed.id, feed.id, schedules[0]?.id];
      if (path === "/v1/jobs/{id}/inputs") return [open.id, open.id, ended.id];
      if (path === "/v1/jobs/{id}/seal") return [toSeal.id, toSeal.id, ended.id];
      if (path.startsWith("/v1/schedules"))
        return (operation.startsWith("DELETE") ? [2] : [0, 0, 1]).map((at) => schedules[at]?.id);
      if (/canary|leases|reads|chunks/.test(path)) return [client.id];
      return operation === "DELETE /v1/jobs/{id}" ? [doomed.id, paused.id] : forJobs;
    },
  };
}
