/* oxlint-disable typescript/no-unsafe-type-assertion -- the parts are never asked: only routes and their description are looked at */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ERROR_CODES, ScoringError } from "../../../src/errors.ts";
import type { ApiDeps } from "../../../src/http/api-deps.ts";
import { createApp } from "../../../src/http/app.ts";
import { statusOf } from "../../../src/http/problem.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { EXAMPLES } from "../../../src/http/operation-examples.ts";
import { OPERATIONS } from "../../../src/http/operations.ts";
import { parseManifest } from "../../../src/scoring/manifest/manifest.ts";
import { readOperations } from "../../fuzz/api-document.ts";

/** The API's own description against the routes that it describes. */

const app = createApp({ limits: LIMITS, version: "1.2.3" } as unknown as ApiDeps);
const response = await app.request("/v1/openapi.json");
// The gate needs no part for it either: asking for the description asks nobody.
const document = (await response.json()) as {
  readonly components: { readonly schemas: { readonly Problem: { readonly properties: Record<string, unknown> } } };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};

interface Body {
  readonly schema: { readonly type?: string };
  readonly example?: unknown;
}

interface Described {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly parameters?: readonly (Body & { readonly name: string; readonly in: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Body>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Body>> }>>;
}

/** By the document's own schema, with what it refers to. */
function parseBySchema(schema: object, value: unknown): unknown {
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/"))).parse(value);
}

const operations = readOperations(document);

const isFile = (body: Body): boolean => !("in" in body) && body.schema.type === "string";

/** What is wrong with an example; `null` where it is there and right. */
function findFault(name: string, { schema, example, ...rest }: Body): string | null {
  const place = "name" in rest ? `${name}: ${String(rest.name)}` : name;
  if (example === undefined) return `${place}: no example`;
  try {
    parseBySchema(schema, example);
    return null;
  } catch (error) {
    return `${place}: ${String(error)}`;
  }
}

describe("the description", () => {
  it("names every route that there is, and no other", () => {
    const routes = app.routes
      .filter(({ method, path }) => method !== "ALL" && path !== "/v1/openapi.json")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`);
    expect([...new Set(routes)].sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  it("has a name, a group, words and examples for every operation", () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    );
    expect(described.map(({ name }) => name).sort()).toEqual(Object.keys(OPERATIONS).sort());
    const ids = described.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    const findings = described.flatMap(({ name, operation }) => {
      const { operationId, description, parameters = [], requestBody, responses } = operation;
      const examples = [
        // A cursor is opaque, and an image's id in a query is another's than in a path.
        ...parameters.filter((one) => one.name !== "cursor" && !(one.name === "id" && one.in === "query")),
        requestBody?.content["application/json"],
        (responses["201"] ?? responses["202"] ?? responses["200"])?.content?.["application/json"],
      ];
      return [
        /^[a-z]+[A-Za-z]*$/.test(operationId) ? null : `${name}: operationId`,
        tags.includes(operation.tags[0] ?? "") ? null : `${name}: tag`,
        /^\S.+\.$/s.test(description) ? null : `${name}: description`,
        // What may come as a file, as JSON among others, has its form from docs/storage-schema.md.
        ...examples.map((one) => (one === undefined || isFile(one) ? null : findFault(name, one))),
      ].filter((finding) => finding !== null);
    });
    expect(findings).toEqual([]);
  });

  it("has an example of a manifest that a job can be made of", () => {
    const stores = new Map([["faces", { versions: false }]]);
    expect(parseManifest(EXAMPLES["POST /v1/jobs"]!.request, stores, () => true)).toMatchObject({ faces: "largest" });
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
