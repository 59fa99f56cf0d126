/** The console's files with the headers of `public/_headers`, served like Cloudflare's static assets; any other path goes to the API. */

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { etag } from "hono/etag";
import { z } from "zod";

/** One section of `_headers`: https://developers.cloudflare.com/workers/static-assets/headers/ */
interface HeaderRule {
  readonly matches: (path: string) => boolean;
  /** `null` removes what sections above have set. */
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

/** The sections of a `_headers` file. A `*` in a path stands for anything. */
export function parseHeaderRules(text: string): readonly HeaderRule[] {
  const rules: { matches: HeaderRule["matches"]; headers: (readonly [string, string | null])[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    if (!/^\s/.test(line)) {
      const parts = line.trim().split("*");
      const pattern = new RegExp(`^${parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
      rules.push({ matches: (path) => pattern.test(path), headers: [] });
      continue;
    }
    const [, removed, name = "", value = ""] = /^\s+(! )?([^:\s]+)(?::\s*(.*))?$/.exec(line) ?? [];
    rules.at(-1)?.headers.push([name, removed === undefined ? value.trim() : null]);
  }
  return rules;
}

/** The headers of one path: each section that matches, in order. */
export function collectHeaders(rules: readonly HeaderRule[], path: string): Headers {
  const headers = new Headers();
  for (const { headers: own } of rules.filter(({ matches }) => matches(path))) {
    for (const [name, value] of own) {
      if (value === null) headers.delete(name);
      else headers.append(name, value);
    }
  }
  return headers;
}

const NOT_FOUND = 404;

/** Beside the console's files in a package: paths of files that lie elsewhere in it, and where. */
const MOVED_FILE = "_moved.json";
const movedFiles = z.record(z.string().startsWith("/"), z.string());

/** Paths that go to the API whatever the folder holds: `run_worker_first` of wrangler.toml. */
const API_PATH = /^\/(v1\/|healthz$|readyz$|metrics$)/;

/**
 * The whole site: files of `folder` for GET and HEAD, and `api` for the rest.
 * @param folder `public/`; if it was not built, only the API answers
 */
export function createSite(
  folder: string,
  api: (request: Request) => Response | Promise<Response>,
): (request: Request) => Response | Promise<Response> {
  const headersFile = join(folder, "_headers");
  if (!existsSync(join(folder, "index.html")) || !existsSync(headersFile)) return api;
  const rules = parseHeaderRules(readFileSync(headersFile, "utf8"));
  const site = new Hono();
  site.use("*", async (c, next) => {
    await next();
    for (const [name, value] of collectHeaders(rules, c.req.path)) c.res.headers.set(name, value);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "public, max-age=0, must-revalidate");
  });
  site.use("*", compress());
  site.use("*", etag());
  for (const [path, place] of Object.entries(readMoved(folder))) {
    const file = join(folder, place);
    site.get(path, serveStatic({ root: dirname(file), path: basename(file) }));
  }
  site.use("*", serveStatic({ root: folder, rewriteRequestPath: (path) => (path === "/docs" ? "/docs.html" : path) }));
  return async (request) => {
    const path = new URL(request.url).pathname;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead || API_PATH.test(path) || path === "/_headers" || path === `/${MOVED_FILE}`) return api(request);
    const answer = await site.fetch(request);
    return answer.status === NOT_FOUND ? api(request) : answer;
  };
}

function readMoved(folder: string): Readonly<Record<string, string>> {
  const file = join(folder, MOVED_FILE);
  return existsSync(file) ? movedFiles.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
}
