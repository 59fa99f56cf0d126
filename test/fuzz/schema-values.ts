import fc from "fast-check";
import type { Schema } from "./api-document.ts";

/** Values from schemas: ones that fit, ones that nearly fit, and garbage. */

/** Stands for a value of the scene that is known only when the request is sent. */
export class Known {
  readonly name: string;
  readonly index: number;
  constructor(name: string, index: number) {
    this.name = name;
    this.index = index;
  }
}

/** Generated lists and texts are short: what is long has its own place among the garbage. */
const MAX_GENERATED = 6;

/** A value that fits `schema`. `isKnown` says which properties the scene has values for: those come most of the time. */
export function makeFitting(schema: Schema, name: string, isKnown: (name: string) => boolean): fc.Arbitrary<unknown> {
  const plain = makePlain(schema, isKnown);
  if (!isKnown(name)) return plain;
  return fc.oneof({ weight: 4, arbitrary: makeKnown(name) }, { weight: 1, arbitrary: plain });
}

/** One of the scene's values of that name. */
export function makeKnown(name: string): fc.Arbitrary<Known> {
  return fc.nat({ max: 7 }).map((index) => new Known(name, index));
}

function makePlain(schema: Schema, isKnown: (name: string) => boolean): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => makePlain(one, isKnown)));
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map((one: string) => makePlain({ ...schema, type: one }, isKnown)));
  switch (type) {
    case "string":
      return makeText(schema);
    case "integer":
      return makeInteger(schema.minimum ?? Number.MIN_SAFE_INTEGER, schema.maximum ?? Number.MAX_SAFE_INTEGER);
    case "number":
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const minLength = schema.minItems ?? 0;
      const maxLength = Math.max(minLength, Math.min(schema.maxItems ?? MAX_GENERATED, MAX_GENERATED));
      return fc.array(makePlain(schema.items ?? {}, isKnown), { minLength, maxLength });
    }
    case "object":
      return makeObject(schema, isKnown);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** The ends of the range as often as all between: where only one end is given, the other is where dates and sums break. */
function makeInteger(min: number, max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
}

function makeText({ format, pattern, minLength = 0, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === "uuid") return fc.uuid();
  if (format === "uri") return fc.webUrl();
  if (format === "date-time") {
    const [min, max] = [new Date("2020-01-01T00:00:00Z"), new Date("2030-01-01T00:00:00Z")];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({
    unit: "grapheme",
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength ?? 40, 40)),
  });
}

function makeObject(schema: Schema, isKnown: (name: string) => boolean): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  // Where all that is optional came half of the time, options that exclude each other would nearly always meet.
  const fields = Object.entries(properties).map(([name, one]): [string, fc.Arbitrary<unknown>] => {
    const value = makeFitting(one, name, isKnown);
    const absent = { weight: 3, arbitrary: fc.constant(undefined) };
    return [name, required.includes(name) ? value : fc.oneof({ weight: 1, arbitrary: value }, absent)];
  });
  if (fields.length > 0) return fc.record(Object.fromEntries(fields)).map(withoutAbsent);
  if (typeof additionalProperties !== "object") return fc.constant({});
  return fc.dictionary(fc.string({ maxLength: 20 }), makePlain(additionalProperties, isKnown), { maxKeys: 4 });
}

function withoutAbsent(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Texts that break parsers, paths, queries, pages and terminals. */
export const garbageText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "\r\nset-cookie: a=b",
    "../../../etc/passwd",
    "..%2f..%2f",
    "/",
    "//",
    ".",
    "..",
    "%",
    "%ff",
    "__proto__",
    "constructor",
    "toString",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "' OR 1=1 --",
    "\u202Etxt.exe",
    "e\u0301",
    "\uFEFF",
    "\uD800",
    "${jndi:ldap://x}",
    "00000000-0000-0000-0000-000000000000",
    "NaN",
    "-1",
    "1e309",
    "9007199254740993",
    "null",
    "[]",
    "a".repeat(2000),
    "é".repeat(1000),
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);

/** Own properties of such names, as `JSON.parse` makes them. */
const polluting = ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'];

/** A fresh value each time: nobody shares what a test changed. */
export const garbage: fc.Arbitrary<unknown> = fc.oneof(
  garbageText,
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 63)),
  fc.constantFrom(...polluting, "[]", "{}", `${"[".repeat(500)}${"]".repeat(500)}`).map((text) => JSON.parse(text)),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A value that fits with one part of it spoiled: another value, a property less, or one more. */
export class Spoiled {
  readonly fitting: unknown;
  readonly at: number;
  readonly way: "replace" | "remove" | "add";
  readonly other: unknown;
  readonly name: string;
  constructor(fitting: unknown, at: number, way: "replace" | "remove" | "add", other: unknown, name: string) {
    this.fitting = fitting;
    this.at = at;
    this.way = way;
    this.other = other;
    this.name = name;
  }
}

/** Spoils values of `fitting`; the scene's come in before that. */
export function spoil(fitting: fc.Arbitrary<unknown>): fc.Arbitrary<Spoiled> {
  const ways = fc.constantFrom("replace" as const, "replace" as const, "remove" as const, "add" as const);
  return fc
    .tuple(fitting, fc.nat(), ways, garbage, garbageText)
    .map(([value, at, way, other, name]) => new Spoiled(value, at, way, other, name));
}

/** Puts the scene's values where a generated one names them, then spoils what is to be spoiled. */
export function resolveValue(value: unknown, find: (name: string) => readonly unknown[]): unknown {
  if (value instanceof Known) {
    const values = find(value.name);
    return values[value.index % values.length] ?? "";
  }
  if (value instanceof Spoiled) return spoilPart(resolveValue(value.fitting, find), value);
  if (Array.isArray(value)) return value.map((part) => resolveValue(part, find));
  return isObject(value) ? mapEntries(value, (part) => resolveValue(part, find)) : value;
}

function spoilPart(value: unknown, { at, way, other, name }: Spoiled): unknown {
  const paths = listPaths(value);
  return change(value, paths[at % paths.length]!, (part) => {
    if (way === "add" && isObject(part)) return { ...part, [name]: other };
    if (way === "remove" && isObject(part)) return Object.fromEntries(Object.entries(part).slice(1));
    return other;
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapEntries(value: Record<string, unknown>, map: (part: unknown, name: string) => unknown): unknown {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, map(part, name)]));
}

/** Ways to every part of a value, itself included. */
function listPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, part]) => listPaths(part, [...path, name]))];
}

function change(value: unknown, path: readonly string[], make: (part: unknown) => unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return make(value);
  if (Array.isArray(value)) return value.map((part, at) => (String(at) === name ? change(part, rest, make) : part));
  if (!isObject(value)) return value;
  return mapEntries(value, (part, key) => (key === name ? change(part, rest, make) : part));
}
