import fc from "fast-check";
import type { Operation, Parameter } from "./api-document.ts";
import { garbage, garbageText, makeFitting, spoil } from "./schema-values.ts";

/** Requests from the operations of an OpenAPI document: good ones, nearly good ones and garbage. */

/** Who asks. */
export type CallerKind = "admin" | "limited" | "session" | "none" | "wrong";

/** One request before the scene's values are put in. */
export interface FuzzRequest {
  /** Its name. */
  readonly operation: string;
  /** Mostly the operation's own. */
  readonly method: string;
  readonly caller: CallerKind;
  /** Values of the path's parameters; a `raw` one goes into the address unescaped. */
  readonly path: Readonly<Record<string, { readonly value: unknown; readonly raw: boolean }>>;
  readonly query: readonly (readonly [string, unknown])[];
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: FuzzBody;
  /** What the body is said to be. */
  readonly contentType: string;
}

export type FuzzBody =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

/** Whether the scene has values for a parameter or property of an operation. */
export type KnowsValue = (operation: Operation, name: string) => boolean;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
const TYPES = ["application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data", "*/*;;"];
const MALFORMED = ["", "{", '{"input":', "nul", "[1,]", '"\\ud800', "{'a':1}", "\uFEFF{}", '{"a":1}}', "NaN", "\u0000"];

/** Requests to all operations, each as often as any other. */
export function makeRequests(operations: readonly Operation[], knows: KnowsValue): fc.Arbitrary<FuzzRequest> {
  return fc.oneof(...operations.map((operation) => makeRequest(operation, (name) => knows(operation, name))));
}

function makeRequest(operation: Operation, isKnown: (name: string) => boolean): fc.Arbitrary<FuzzRequest> {
  const inPlace = (place: Parameter["in"]) => operation.parameters.filter((one) => one.in === place);
  const method = fc.oneof(
    { weight: 24, arbitrary: fc.constant(operation.method) },
    { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
  );
  const caller = fc.oneof(
    { weight: 5, arbitrary: fc.constant<CallerKind>("admin") },
    { weight: 6, arbitrary: fc.constant<CallerKind>("limited") },
    { weight: 1, arbitrary: fc.constantFrom<CallerKind>("session", "none", "wrong") },
  );
  return fc.record({
    operation: fc.constant(operation.name),
    method,
    caller,
    path: fc.record(Object.fromEntries(inPlace("path").map((one) => [one.name, makePathValue(one, isKnown)]))),
    query: makeQuery(inPlace("query"), isKnown),
    headers: makeHeaders(inPlace("header"), isKnown),
    body: makeBody(operation, isKnown),
    contentType: fc.oneof(
      { weight: 6, arbitrary: fc.constant(TYPES[0]!) },
      { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
    ),
  });
}

function makePathValue({ name, schema }: Parameter, isKnown: (name: string) => boolean) {
  return fc.oneof(
    { weight: 8, arbitrary: makeFitting(schema, name, isKnown).map((value) => ({ value, raw: false })) },
    { weight: 1, arbitrary: garbageText.map((value) => ({ value, raw: false })) },
    { weight: 1, arbitrary: garbageText.map((value) => ({ value, raw: true })) },
  );
}

function makeQuery(parameters: readonly Parameter[], isKnown: (name: string) => boolean) {
  const fields = parameters.map(({ name, schema, required }) => {
    const pair = (value: unknown): (readonly [string, unknown])[] => [[name, value]];
    return fc.oneof(
      { weight: 6, arbitrary: makeFitting(schema, name, isKnown).map(pair) },
      { weight: required === true ? 1 : 4, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: garbageText.map(pair) },
      { weight: 1, arbitrary: fc.tuple(garbageText, garbageText).map(([a, b]) => [...pair(a), ...pair(b)]) },
    );
  });
  const extra = fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(garbageText, garbageText).map((pair) => [pair]) },
  );
  return fc.tuple(...fields, extra).map((lists) => lists.flat());
}

/** Headers carry bytes; what would end the line never leaves a client. */
const headerText = garbageText.map((text) => text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, "").trim());

function makeHeaders(parameters: readonly Parameter[], isKnown: (name: string) => boolean) {
  const declared = parameters.map(
    ({ name, schema }) =>
      [name, fc.oneof(makeFitting(schema, name, isKnown), headerText)] satisfies [string, fc.Arbitrary<unknown>],
  );
  const fields: Record<string, fc.Arbitrary<unknown>> = {
    accept: fc.oneof(fc.constantFrom("text/html", "text/csv", "*/*"), headerText),
    range: fc.oneof(fc.constantFrom("bytes=0-9", "bytes=-5", "bytes=99999999-", "bytes=5-1", "items=0-1"), headerText),
    "accept-language": headerText,
    ...Object.fromEntries(declared),
  };
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  );
}

const json = (value: unknown): FuzzBody => ({ kind: "json", value });

function makeBody({ requestBody }: Operation, isKnown: (name: string) => boolean): fc.Arbitrary<FuzzBody> {
  const none = fc.constant<FuzzBody>({ kind: "none" });
  const bytes = fc
    .uint8Array({ maxLength: 200 })
    .map<FuzzBody>((raw) => ({ kind: "bytes", bytes: Uint8Array.from(raw) }));
  const text = fc.oneof(fc.constantFrom(...MALFORMED), garbageText).map<FuzzBody>((text) => ({ kind: "text", text }));
  const schema = requestBody?.content["application/json"]?.schema;
  if (requestBody?.content["application/x-ndjson"] !== undefined) {
    const line = fc.oneof(
      garbageText,
      fc.constantFrom('{"key":"mine/in/a.png"}', '{"key":"mine/in/b.png","etag":"0"}'),
    );
    const lines = fc.array(line, { maxLength: 3 }).map<FuzzBody>((all) => ({ kind: "text", text: all.join("\n") }));
    return fc.oneof({ weight: 6, arbitrary: lines }, bytes, none);
  }
  if (requestBody === undefined) return fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: text });
  if (schema === undefined) return fc.oneof({ weight: 6, arbitrary: bytes }, text, none);
  const fitting = makeFitting(schema, "body", isKnown);
  return fc.oneof(
    { weight: 8, arbitrary: fitting.map(json) },
    { weight: 6, arbitrary: spoil(fitting).map(json) },
    { weight: 2, arbitrary: garbage.map(json) },
    { weight: 2, arbitrary: text },
    bytes,
    none,
  );
}
