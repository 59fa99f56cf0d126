/** `DELETE /v1/records`: erasing one image from the outputs of jobs. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { eraseRecords } from "../scoring/erase/erase-records.ts";
import type { ApiDeps } from "./api-deps.ts";
import { json, problemResponses } from "./schemas.ts";

const answersSchema = z.object({
  jobs: z.array(z.object({ id: z.uuid(), answer: z.enum(["erasing", "unfinished", "full"]) })),
  cursor: z.string().nullable(),
});

/** Adds erasing. The scope is that of jobs; the audit line holds the path without its query, so no image's key. */
export function addRecordRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/records",
      summary:
        "Erase an image from the outputs of the key's jobs (with an admin key, of all jobs), one page of jobs at a time: each is rewritten without it",
      request: {
        query: z.object({
          store: z.string().min(1).max(64),
          key: z.string().min(1).max(1024),
          id: z.string().min(1).max(2048).optional(),
          cursor: z.string().max(64).optional(),
        }),
      },
      responses: { 202: json(answersSchema, "What each job of the page does"), ...problemResponses },
    }),
    async (c) => {
      const { store, key, id = null, cursor = null } = c.req.valid("query");
      return c.json(await eraseRecords(deps, { store, key, id, cursor }, c.get("caller")), 202);
    },
  );
}
