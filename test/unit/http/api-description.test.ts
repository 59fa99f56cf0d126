/* oxlint-disable typescript/no-unsafe-type-assertion -- the parts are never asked: only routes and their description are looked at */
import { describe, expect, it } from "vitest";
import { ERROR_CODES, ScoringError } from "../../../src/errors.ts";
import type { ApiDeps } from "../../../src/http/api-deps.ts";
import { createApp } from "../../../src/http/app.ts";
import { statusOf } from "../../../src/http/problem.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { readOperations } from "../../fuzz/api-document.ts";

/** The API's own description against the routes that it describes. */

const app = createApp({ limits: LIMITS, version: "1.2.3" } as unknown as ApiDeps);
const response = await app.request("/v1/openapi.json");
// The gate needs no part for it either: asking for the description asks nobody.
const document = (await response.json()) as {
  readonly components: { readonly schemas: { readonly Problem: { readonly properties: Record<string, unknown> } } };
};
const operations = readOperations(document);

describe("the description", () => {
  it("names every route that there is, and no other", () => {
    const routes = app.routes
      .filter(({ method, path }) => method !== "ALL" && path !== "/v1/openapi.json")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`);
    expect([...new Set(routes)].sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  it("has a problem document for every operation", () => {
    const without = operations.filter(
      ({ responses }) => responses["default"]?.content?.["application/problem+json"] === undefined,
    );
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  it("names every code, and the status of each that a request can end with", () => {
    const { code } = document.components.schemas.Problem.properties as Record<
      string,
      { readonly enum: readonly string[]; readonly description: string }
    >;
    expect(code?.enum).toEqual(ERROR_CODES);
    for (const known of ERROR_CODES) {
      const error = new ScoringError(known, "");
      if (!["request", "transient", "fatal"].includes(error.disposition)) continue;
      expect(code?.description).toMatch(new RegExp(`\\b${statusOf(error)} [a-z_, ]*\\b${known}\\b`));
    }
  });
});
