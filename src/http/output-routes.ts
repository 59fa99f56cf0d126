/** `/v1/jobs/{id}/labels | report`: the outputs as they lie in the store. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { jobFolder, OUTPUT_NAMES } from "../scoring/keys.ts";
import type { ApiDeps } from "./api-deps.ts";
import { parseByteRange } from "./byte-range.ts";
import { jobIdParam, problemResponses } from "./schemas.ts";

interface Offer {
  readonly type: string;
  readonly name: string;
}

const LABEL_OFFERS: readonly Offer[] = [
  { type: "application/x-ndjson", name: OUTPUT_NAMES.labelsJsonl },
  { type: "text/csv", name: OUTPUT_NAMES.labelsCsv },
  { type: "application/vnd.apache.parquet", name: OUTPUT_NAMES.labelsParquet },
];
const REPORT_OFFERS: readonly Offer[] = [
  { type: "application/json", name: OUTPUT_NAMES.reportJson },
  { type: "text/html", name: OUTPUT_NAMES.reportHtml },
];

/** The first accepted type that is offered; the first offer where anything goes. */
export function chooseOffer(accept: string | undefined, offers: readonly Offer[]): Offer {
  const wanted = (accept ?? "*/*").split(",").map((part) => part.split(";")[0]!.trim().toLowerCase());
  for (const type of wanted) {
    const offer = offers.find((one) => one.type === type);
    if (offer !== undefined) return offer;
  }
  return offers[0]!;
}

export function addOutputRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  for (const [path, offers, summary] of [
    ["labels", LABEL_OFFERS, "All records in input order: JSONL, CSV or Parquet by Accept; ranged"],
    ["report", REPORT_OFFERS, "The report: JSON or HTML by Accept"],
  ] as const) {
    const content = Object.fromEntries(offers.map(({ type }) => [type, { schema: z.string() }]));
    app.openapi(
      createRoute({
        method: "get",
        path: `/v1/jobs/{id}/${path}`,
        summary,
        request: { params: jobIdParam },
        responses: { 200: { description: "The object", content }, ...problemResponses },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const offer = chooseOffer(c.req.header("accept"), offers);
        return answerObject(deps, id, offer, c.req.header("range"));
      },
    );
  }
}

async function answerObject(
  deps: ApiDeps,
  id: string,
  offer: Offer,
  rangeHeader: string | undefined,
): Promise<Response> {
  const job = await deps.openJob(id).read();
  if (job === null) throw new ScoringError("not_found", `there is no job ${id}`);
  const { output } = job.spec.manifest;
  const store = deps.openStore(output.store);
  const key = `${jobFolder(output.prefix, id)}${offer.name}`;
  const info = await store.head(key);
  if (info === null) {
    throw new ScoringError("not_found", `${offer.name} does not exist: the job is ${job.state.status}`);
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
  const range = parseByteRange(rangeHeader, info.size);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${info.size}` } });
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
