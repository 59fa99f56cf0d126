/** The API: routes, keys, problem documents, OpenAPI. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { ScoringError } from "../errors.ts";
import { toIssue } from "../scoring/manifest/manifest.ts";
import type { ApiDeps } from "./api-deps.ts";
import { addClientRoutes } from "./client-routes.ts";
import { describeApi } from "./describe-api.ts";
import { addGate } from "./gate.ts";
import { addImageRoutes } from "./image-routes.ts";
import { addJobRoutes } from "./job-routes.ts";
import { addKeyRoutes } from "./key-routes.ts";
import { addOpenRoutes } from "./open-routes.ts";
import { addOutputRoutes } from "./output-routes.ts";
import { answerProblem } from "./problem.ts";
import { addOperationRoutes } from "./operation-routes.ts";
import { addRecordRoutes } from "./record-routes.ts";
import { addReviewRoutes } from "./review-routes.ts";
import { addScheduleRoutes } from "./schedule-routes.ts";
import { SESSION_COOKIE } from "./session.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { addSystemRoutes } from "./system-routes.ts";

/** The whole API over the given parts. */
export function createApp(deps: ApiDeps): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return;
      throw new ScoringError("validation_failed", "the request is not valid", {
        issues: result.error.issues.map((issue) => toIssue(issue)),
      });
    },
  });
  app.onError((error, c) => answerProblem(c, error, deps.logger));
  app.notFound((c) => {
    const allowed = listMethods(app, c.req.path).join(", ");
    if (allowed === "")
      return answerProblem(c, new ScoringError("not_found", `there is nothing at ${c.req.path}`), deps.logger);
    const error = new ScoringError("method_not_allowed", `${c.req.path} does not take ${c.req.method}, but ${allowed}`);
    const response = answerProblem(c, error, deps.logger);
    response.headers.set("allow", allowed);
    return response;
  });
  addGate(app, deps);
  addSystemRoutes(app, deps);
  addJobRoutes(app, deps);
  addOpenRoutes(app, deps);
  addOutputRoutes(app, deps);
  addImageRoutes(app, deps);
  addClientRoutes(app, deps);
  addSessionRoutes(app, deps);
  addKeyRoutes(app, deps);
  addRecordRoutes(app, deps);
  addOperationRoutes(app, deps);
  addScheduleRoutes(app, deps);
  addReviewRoutes(app, deps);
  app.openAPIRegistry.registerComponent("securitySchemes", "key", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: SESSION_COOKIE,
  });
  addDescription(app, deps.version, deps.basePath ?? "");
  return app;
}

/** Methods that a path has a route for, without the handlers that run before every route. */
function listMethods(app: OpenAPIHono, path: string): string[] {
  const known = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  return known.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}

/** Anybody may ask for it and making it takes tens of milliseconds, so it is made once. */
function addDescription(app: OpenAPIHono, version: string, basePath: string): void {
  let text: string | null = null;
  app.get("/v1/openapi.json", (c) => {
    text ??= JSON.stringify(
      describeApi(
        app.getOpenAPI31Document({
          openapi: "3.1.0",
          info: {
            title: "Countenance",
            version,
            description: "Scores the apparent facial expression of faces in object storage, in batches.",
            license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
          },
          ...(basePath === "" ? {} : { servers: [{ url: basePath }] }),
          security: [{ key: [] }, { session: [] }],
        }),
      ),
    );
    return c.body(text, 200, { "content-type": "application/json" });
  });
}
