/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- answers and bindings as the tests expect them */
import { env, exports } from "cloudflare:workers";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";
import { decodeBase64 } from "../golden/images.ts";

/** What tests of the API share: requests by several keys against the Worker of wrangler.toml. */

const pictures = import.meta.glob<string>("../golden/images/*", { query: "?inline", import: "default", eager: true });

/** The key of local development: it may do everything. */
export const ADMIN = "local-development-key";

/** The bucket of wrangler.toml. */
export const bucket = createR2Store((env as { FACES: R2BucketLike }).FACES);

export function readPicture(name: string): Uint8Array<ArrayBuffer> {
  const url = pictures[`../golden/images/${name}`] ?? "";
  return new Uint8Array(decodeBase64(url.slice(url.indexOf(",") + 1)));
}

/** One request with a bearer key. */
export function call(key: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string> | undefined) };
  return exports.default.fetch(`http://127.0.0.1${path}`, { ...init, headers });
}

/** The body as text, whatever its type: `text()` has workerd warn of every answer that is not `text/…`. */
export async function readText(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}

/** One request with JSON both ways. */
export async function ask<T = Record<string, unknown>>(
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: T }> {
  const response = await call(key, path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as T };
}

export interface MadeKey {
  readonly id: string;
  readonly key: string;
}

/** A new key with the given rights. */
export async function makeKey(rights: Record<string, unknown> = {}): Promise<MadeKey> {
  const { status, body } = await ask<MadeKey>(ADMIN, "POST", "/v1/keys", { name: "test", ...rights });
  if (status !== 201) throw new Error(`no key: ${JSON.stringify(body)}`);
  return body;
}

/** Follows a job's event stream to its end: its last view. */
export async function follow(key: string, id: string): Promise<JobView> {
  const text = await (await call(key, `/v1/jobs/${id}/events`)).text();
  const last = text
    .trimEnd()
    .split("\n")
    .findLast((line) => line.startsWith("data: "));
  return JSON.parse(last!.slice("data: ".length)) as JobView;
}
