import fc from "fast-check";
import { type Operation, readOperations } from "./api-document.ts";
import { findFaults } from "./answers.ts";
import { type FuzzRequest, makeRequests } from "./requests.ts";
import { buildScene, knowsValue, type Scene, type SceneParts, type Send } from "./scene.ts";
import { resolveValue } from "./schema-values.ts";

/** Fuzzing of every operation of the API against a running worker. */

/** What a run came to. */
export interface FuzzResult {
  readonly requests: number;
  /** Answers by operation and status: `GET /v1/jobs` → `200` → 17. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly operations: readonly Operation[];
}

/** Requests until the scene is built anew: deleted jobs and keys come back, and no key reaches its requests a minute. */
const ROUND = 400;

/**
 * Sends `count` requests, one after the other, and checks each answer.
 * @throws Error with the smallest request found, the seed, and what was wrong with its answer
 */
export async function fuzzApi(parts: SceneParts, count: number, seed: number): Promise<FuzzResult> {
  const document: unknown = await (await parts.send("/v1/openapi.json", {})).json();
  const operations = readOperations(document);
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  const answers = new Map(operations.map(({ name }) => [name, new Map<number, number>()]));
  let requests = 0;
  let scene: Scene | null = null;
  const property = fc.asyncProperty(makeRequests(operations, knowsValue), async (request) => {
    if (scene === null || requests % ROUND === 0) scene = await buildScene(parts);
    requests += 1;
    const operation = byName.get(request.operation)!;
    const { status, faults } = await sendRequest(request, operation, scene, parts.send);
    const counts = answers.get(request.operation)!;
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (faults.length > 0) throw new Error(faults.join("; "));
  });
  await fc.assert(property, { numRuns: count, seed, endOnFailure: false });
  return { requests, answers, operations };
}

async function sendRequest(request: FuzzRequest, operation: Operation, scene: Scene, send: Send) {
  const { method, body } = request;
  const resolve = (value: unknown) => resolveValue(value, (name) => scene.values(operation, name));
  const address = makeAddress(operation.path, request, resolve);
  const headers = new Headers({ ...makeCredentials(request, scene) });
  for (const [name, value] of Object.entries(request.headers))
    headers.set(name, asText(resolve(value)).replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, ""));
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body.kind !== "none" && method !== "GET" && method !== "HEAD") {
    headers.set("content-type", request.contentType);
    if (body.kind === "json") init.body = JSON.stringify(resolve(body.value)) ?? "";
    else init.body = body.kind === "text" ? body.text : body.bytes;
  }
  const response = await send(address, init);
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream) await response.body?.cancel();
  const text = isStream ? "" : new TextDecoder().decode(await response.arrayBuffer());
  // A new key's text is in the answer that made it, and only there: what opened this round must be in none.
  const faults = findFaults(
    operation,
    { status: response.status, headers: response.headers, text },
    { method, isOwn: method === operation.method, secrets: scene.secrets },
  );
  if (faults.length > 0) faults.push(`${method} ${address} answered ${response.status} ${text.slice(0, 2000)}`);
  return { status: response.status, faults };
}

function makeAddress(template: string, { path, query }: FuzzRequest, resolve: (value: unknown) => unknown): string {
  const filled = template.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const { value, raw } = path[name] ?? { value: "", raw: false };
    const text = asText(resolve(value));
    return raw ? text.replaceAll(/[?#]/g, "") : encodeURIComponent(text);
  });
  const parameters = new URLSearchParams(query.map(([name, value]) => [name, asText(resolve(value))]));
  return parameters.size === 0 ? filled : `${filled}?${parameters.toString()}`;
}

function makeCredentials({ caller }: FuzzRequest, scene: Scene): Record<string, string> {
  switch (caller) {
    case "none":
      return {};
    case "wrong":
      return { authorization: `Bearer ${scene.limited.slice(0, -1)}!` };
    case "session":
      return { cookie: scene.cookie, "sec-fetch-site": "same-origin" };
    default:
      return { authorization: `Bearer ${scene[caller]}` };
  }
}

/** Half of a surrogate pair cannot be sent. */
function asText(value: unknown): string {
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed();
}
