/** The values that a record's line is made of: how each is written as JSON, byte for byte the same, and how it is read back and checked. */

import { ScoringError } from "../../errors.ts";

/** One kind of value. `read(write(value))` is the value at 6 decimals. */
export interface FieldType<T> {
  /** @throws ScoringError `internal` for NaN or infinity */
  write(value: T): string;
  /** @throws ScoringError `validation_failed` with the path of the first wrong value */
  read(value: unknown, path: string): T;
  /** Left out of an object where it is missing. */
  readonly optional?: true;
}

const MICRO = 1_000_000;

/** A number at 6 decimals, as JSON writes it; never `-0`. */
export function roundMicro(value: number): number {
  // Adding 0 turns -0 into 0.
  return Math.round(value * MICRO) / MICRO + 0;
}

/** Ends the reading of a record at `path`. */
export function refuse(path: string, expected: string): never {
  throw new ScoringError("validation_failed", `record: ${path}: must be ${expected}`, {
    issues: [{ path, code: "invalid_type", message: `must be ${expected}` }],
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields of an object. @throws ScoringError `validation_failed` */
export function readObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : refuse(path, "an object");
}

/** A string. */
export const text: FieldType<string> = {
  write: (value) => JSON.stringify(value),
  read: (value, path) => (typeof value === "string" ? value : refuse(path, "a string")),
};

/** A finite number, rounded to 6 decimals. */
export const decimal: FieldType<number> = {
  write(value) {
    if (!Number.isFinite(value)) throw new ScoringError("internal", `a record cannot hold the number ${value}`);
    return JSON.stringify(roundMicro(value));
  },
  read: (value, path) =>
    typeof value === "number" && Number.isFinite(value) ? value : refuse(path, "a finite number"),
};

/** One of some values. */
export function choice<T extends string | number>(values: readonly T[]): FieldType<T> {
  return {
    write: (value) => JSON.stringify(value),
    read: (value, path) => values.find((one) => one === value) ?? refuse(path, `one of ${values.join(", ")}`),
  };
}

/** The paths below a path, made once: a record is read millions of times, and its paths are few. */
function rememberPaths(make: (path: string) => readonly string[]): (path: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (path) => {
    let paths = known.get(path);
    if (paths === undefined) known.set(path, (paths = make(path)));
    return paths;
  };
}

/** A list of `length` values of one type. */
export function list<T>(type: FieldType<T>, length: number): FieldType<readonly T[]> {
  const paths = rememberPaths((path) => Array.from({ length }, (_, index) => `${path}[${index}]`));
  return {
    write: (values) => `[${values.map((value) => type.write(value)).join(",")}]`,
    read(value, path) {
      if (!Array.isArray(value) || value.length !== length) refuse(path, `a list of ${length}`);
      const inside = paths(path);
      return value.map((item, index) => type.read(item, inside[index]!));
    },
  };
}

/** A list of finite numbers of any length up to `most`. */
export function decimals(most: number): FieldType<readonly number[]> {
  return {
    write: (values) => `[${values.map((value) => decimal.write(value)).join(",")}]`,
    read(value, path) {
      if (!Array.isArray(value) || value.length > most) return refuse(path, `a list of at most ${most} numbers`);
      if (!value.every((one): one is number => typeof one === "number" && Number.isFinite(one))) {
        return refuse(path, "a list of finite numbers");
      }
      return value;
    },
  };
}

/**
 * A number for each of some names, in the order in which they were given.
 * @param older names of the numbers where they are a list without names, as records of before had them
 */
export function namedDecimals(older: readonly string[]): FieldType<Readonly<Record<string, number>>> {
  const heads = new Map<string, string>();
  const headOf = (name: string): string => {
    let head = heads.get(name);
    if (head === undefined) heads.set(name, (head = `${JSON.stringify(name)}:`));
    return head;
  };
  const unnamed = list(decimal, older.length);
  return {
    write(value) {
      let line = "";
      for (const [name, one] of Object.entries(value))
        line += `${line === "" ? "{" : ","}${headOf(name)}${decimal.write(one)}`;
      return line === "" ? "{}" : `${line}}`;
    },
    read(value, path) {
      if (Array.isArray(value)) {
        const values = unnamed.read(value, path);
        return Object.fromEntries(older.map((name, at) => [name, values[at]!]));
      }
      const given = readObject(value, path);
      return Object.fromEntries(
        Object.entries(given).map(([name, one]) => [name, decimal.read(one, `${path}.${name}`)]),
      );
    },
  };
}

/** Two values of one type. */
export function pair<T>(type: FieldType<T>): FieldType<readonly [T, T]> {
  const two = list(type, 2);
  return {
    write: (values) => two.write(values),
    read(value, path) {
      const [first, second] = two.read(value, path);
      return [first!, second!];
    },
  };
}

/** A value or `null`; a missing one is read as `null` and written so. */
export function nullable<T>(type: FieldType<T>): FieldType<T | null> {
  return {
    write: (value) => (value === null || value === undefined ? "null" : type.write(value)),
    read: (value, path) => (value === null || value === undefined ? null : type.read(value, path)),
  };
}

/** The own keys of a table, typed. */
export function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table).filter((key): key is keyof T & string => Object.hasOwn(table, key));
}

/** The names were all read just before. */
const isWhole = <T extends object>(value: Partial<T>, names: readonly (keyof T)[]): value is T =>
  names.every((name) => Object.hasOwn(value, name));

/** An object of these fields, written in their order. Others are dropped when it is read. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: FieldType<T[K]> }): FieldType<T> {
  const names = keysOf(fields);
  const required = names.filter((name) => !fields[name].optional);
  const paths = rememberPaths((path) => names.map((name) => (path === "record" ? name : `${path}.${name}`)));
  const heads = names.map((name, index) => `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`);
  return {
    write(value) {
      let line = "";
      for (let index = 0; index < names.length; index++) {
        const name = names[index]!;
        if (fields[name].optional && value[name] === undefined) continue;
        line += heads[index]! + fields[name].write(value[name]);
      }
      return `${line}}`;
    },
    read(value, path) {
      const given = readObject(value, path);
      const inside = paths(path);
      const read: Partial<T> = {};
      for (let index = 0; index < names.length; index++) {
        const name = names[index]!;
        if (fields[name].optional && given[name] === undefined) continue;
        read[name] = fields[name].read(given[name], inside[index]!);
      }
      return isWhole(read, required) ? read : refuse(path, "whole");
    },
  };
}

/** An object of strings with its keys in code-unit order; written by hand since `__proto__` is a legal key here. */
export const texts: FieldType<Readonly<Record<string, string>>> = {
  write(value) {
    const fields = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${JSON.stringify(value[key])}`);
    return `{${fields.join(",")}}`;
  },
  read: (value, path) =>
    // fromEntries defines own properties, `__proto__` too.
    Object.fromEntries(
      Object.entries(readObject(value, path)).map(([key, one]) => [key, text.read(one, `${path}.${key}`)]),
    ),
};
