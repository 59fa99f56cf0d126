/** `/v1/jobs/{id}/labels | report | outputs`: the outputs as they lie in the store. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { dataFolder, jobFolder, LABEL_FILES, OUTPUT_NAMES, parseRangeName, RANGE_FOLDERS } from "../scoring/keys.ts";
import type { MergeProgress } from "../scoring/job/merge-range.ts";
import { LIMITS } from "../scoring/limits.ts";
import { readChunkRecords } from "../scoring/requests/chunk-records.ts";
import { readLatestRecords } from "../scoring/requests/latest-records.ts";
import { listPages } from "../storage/list-pages.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import type { ApiDeps } from "./api-deps.ts";
import { parseByteRange } from "./byte-range.ts";
import { answerProblem } from "./problem.ts";
import { file, jobIdParam, json, problemResponses } from "./schemas.ts";

interface Offer {
  readonly type: string;
  readonly name: string;
}

const LABEL_OFFERS: readonly Offer[] = Object.values(LABEL_FILES);
const REPORT_OFFERS: readonly Offer[] = [
  { type: "application/json", name: OUTPUT_NAMES.reportJson },
  { type: "text/html", name: OUTPUT_NAMES.reportHtml },
];

/** Every finalized object by its name, with its type. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ...[...LABEL_OFFERS, ...REPORT_OFFERS].map(({ name, type }) => [name, type] as const),
  [OUTPUT_NAMES.input, "application/x-ndjson"],
  [OUTPUT_NAMES.errors, "application/x-ndjson"],
  [OUTPUT_NAMES.summary, "application/json"],
  [OUTPUT_NAMES.runLock, "application/json"],
  [OUTPUT_NAMES.success, "application/json"],
  [OUTPUT_NAMES.failed, "application/json"],
]);

/** The offer that the request's `Accept` prefers (RFC 9110, 12.5.1); the first one if anything is accepted or nothing fits. */
function chooseOffer(c: Context, offers: readonly Offer[]): Offer {
  const types = offers.map(({ type }) => type);
  const type = accepts(c, { header: "Accept", supports: types, default: types[0]! });
  return offers.find((offer) => offer.type === type)!;
}

const rangeHeader = z.object({ range: z.string().optional() });

/** An object whole, or the range that was asked for. */
function describeObject(types: readonly string[]) {
  return { 200: file("The object", types), 206: file("The range of the object", types), ...problemResponses };
}

/** Adds labels, report and the other outputs of a job, with byte ranges. */
export function addOutputRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  for (const [path, offers, summary] of [
    ["labels", LABEL_OFFERS, "All records in input order: JSONL, CSV or Parquet by Accept; ranged"],
    ["report", REPORT_OFFERS, "The report: JSON or HTML by Accept"],
  ] as const) {
    app.openapi(
      createRoute({
        method: "get",
        path: `/v1/jobs/{id}/${path}`,
        summary,
        request: { params: jobIdParam, headers: rangeHeader },
        responses: describeObject(offers.map(({ type }) => type)),
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const offer = chooseOffer(c, offers);
        return answerObject(c, deps, id, offer);
      },
    );
  }
  addLatest(app, deps);
  addChunkRecords(app, deps);
  addNamedOutputs(app, deps);
}

/** What a running job made last. */
function addLatest(app: OpenAPIHono, deps: ApiDeps): void {
  const lineSchema = z.object({ record: z.record(z.string(), z.unknown()), at: z.int(), length: z.int() });
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/latest",
      summary: "The newest records of a job that goes on",
      request: {
        params: jobIdParam,
        query: z.object({
          limit: z.coerce.number().int().min(1).max(LIMITS.maxLatestRecords).default(12).openapi({ type: "integer" }),
        }),
      },
      responses: {
        200: json(z.object({ chunk: z.string().nullable(), records: z.array(lineSchema) }), "Records"),
        ...problemResponses,
      },
    }),
    async (c) => {
      const { chunk, records } = await readLatestRecords(deps, c.req.valid("param").id, c.req.valid("query").limit);
      return c.json({ chunk, records: records.map((line) => ({ ...line, record: { ...line.record } })) }, 200);
    },
  );
}

/** The records of an ended job, chunk by chunk. */
function addChunkRecords(app: OpenAPIHono, deps: ApiDeps): void {
  const record = z.record(z.string(), z.unknown());
  const lineSchema = z.object({ record, at: z.int(), length: z.int(), input: z.int() });
  const answer = z.object({
    chunk: z.string().nullable(),
    records: z.array(lineSchema),
    next: z.int().nullable(),
    inputs: z.int(),
  });
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/records",
      summary: "Records of an ended job, one chunk at a time: of a data set too, whose files are compressed",
      request: {
        params: jobIdParam,
        query: z.object({ from: z.coerce.number().int().nonnegative().default(0).openapi({ type: "integer" }) }),
      },
      responses: { 200: json(answer, "Records, and where the next ones begin"), ...problemResponses },
    }),
    async (c) => {
      const found = await readChunkRecords(deps, c.req.valid("param").id, c.req.valid("query").from);
      return c.json({ ...found, records: found.records.map((line) => ({ ...line, record: { ...line.record } })) }, 200);
    },
  );
}

/** The files of a data set as they now are: of a range that was written anew, those that count. */
async function listRangeFiles(store: ObjectStore, folder: string, rewritten: MergeProgress["rewritten"] = {}) {
  const files: { name: string; size: number; etag: string; type: string }[] = [];
  for (const part of RANGE_FOLDERS) {
    for await (const { objects } of listPages(store, `${folder}${part}`)) {
      for (const { key, size, etag } of objects) {
        const name = key.slice(folder.length);
        const file = parseRangeName(name);
        if (file === null || file.generation !== (rewritten[file.range] ?? 0)) continue;
        files.push({ name, size, etag, type: file.type });
      }
    }
  }
  return files;
}

/** Every output by its name, and which there are. */
function addNamedOutputs(app: OpenAPIHono, deps: ApiDeps): void {
  const outputSchema = z.object({ name: z.string(), size: z.int(), etag: z.string(), type: z.string() });
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/outputs",
      summary: "The finished outputs with their sizes",
      request: { params: jobIdParam },
      responses: { 200: json(z.object({ outputs: z.array(outputSchema) }), "Outputs"), ...problemResponses },
    }),
    async (c) => {
      const { store, folder, data, layout, rewritten } = await openOutputs(deps, c.req.valid("param").id);
      const found = await Promise.all([...TYPES.keys()].map((name) => store.head(`${folder}${name}`)));
      const outputs = [...TYPES].flatMap(([name, type], index) => {
        const info = found[index];
        return info ? [{ name, size: info.size, etag: info.etag, type }] : [];
      });
      const parts = layout === "dataset" ? await listRangeFiles(store, data, rewritten) : [];
      return c.json({ outputs: [...parts, ...outputs] }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/jobs/{id}/outputs/{name}",
      summary: "One output by its name, ranged; with `download` as a file to save",
      request: {
        params: jobIdParam.extend({ name: z.string() }),
        query: z.object({ download: z.string().optional() }),
        headers: rangeHeader,
      },
      responses: describeObject([...new Set(TYPES.values())]),
    }),
    async (c) => {
      const { id, name } = c.req.valid("param");
      const type = TYPES.get(name) ?? parseRangeName(name)?.type;
      if (type === undefined) throw new ScoringError("not_found", "no output has this name");
      const response = await answerObject(c, deps, id, { name, type });
      if (c.req.valid("query").download !== undefined) {
        response.headers.set("content-disposition", `attachment; filename="${name.slice(name.lastIndexOf("/") + 1)}"`);
      }
      return response;
    },
  );
}

async function openOutputs(deps: ApiDeps, id: string) {
  const job = await deps.openJob(id).read();
  if (job === null) throw new ScoringError("not_found", `there is no job ${id}`);
  const { spec, state } = job;
  const { output } = spec.manifest;
  const folder = jobFolder(output.prefix, id, state.generation);
  const data = dataFolder(output, id, state.generation);
  const { merge, status } = state;
  const { layout } = output;
  return { store: deps.openStore(output.store), folder, data, layout, rewritten: merge?.rewritten, status };
}

async function answerObject(c: Context, deps: ApiDeps, id: string, offer: Offer): Promise<Response> {
  const { store, folder, data, layout, status } = await openOutputs(deps, id);
  const key = `${parseRangeName(offer.name) === null ? folder : data}${offer.name}`;
  const info = await store.head(key);
  if (info === null) {
    const isData = layout === "dataset" && LABEL_OFFERS.some(({ name }) => name === offer.name);
    const why = isData ? "the labels are a data set, its parts stand in /outputs" : `the job is ${status}`;
    throw new ScoringError("not_found", `${offer.name} does not exist: ${why}`);
  }
  const headers: Record<string, string> = {
    "content-type": offer.type,
    etag: `"${info.etag}"`,
    "accept-ranges": "bytes",
    vary: "accept",
    // A report is a page of its own: nothing in it may reach the API with the reader's rights.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "x-content-type-options": "nosniff",
  };
  const range = parseByteRange(c.req.header("range"), info.size);
  if (range === "unsatisfiable") {
    const response = answerProblem(
      c,
      new ScoringError("range_unsatisfiable", `${offer.name} has ${info.size} bytes`),
      deps.logger,
    );
    response.headers.set("content-range", `bytes */${info.size}`);
    return response;
  }
  const found = await store.get(key, { ifMatch: info.etag, ...(range === null ? {} : { range }) });
  if (found.kind !== "found") throw new ScoringError("object_changed", `${offer.name} was rewritten just now`);
  if (range === null) {
    return new Response(found.body, { headers: { ...headers, "content-length": String(info.size) } });
  }
  const last = range.offset + range.length - 1;
  const partial = {
    "content-range": `bytes ${range.offset}-${last}/${info.size}`,
    "content-length": String(range.length),
  };
  return new Response(found.body, { status: 206, headers: { ...headers, ...partial } });
}
