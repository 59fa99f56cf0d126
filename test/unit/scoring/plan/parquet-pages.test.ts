import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { type BasicType, parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { planInputPage } from "../../../../src/scoring/plan/plan-page.ts";
import { openPage, listPages, type PageColumn } from "../../../../src/scoring/plan/parquet-pages.ts";
import { fill, LIMIT, manifest } from "./input-fixtures.ts";

/** Parquet whose pages were made to keep a reader busy: refused before a value is decoded, and without much time. */

const MOST = 40 * 1024 * 1024;

/** Little-endian base 128. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const zigzag = (value: number): number[] => varint(2 * value);

/** A data page of version 1 with its header, in Thrift's compact protocol: type, sizes, and values, encoding, encodings of levels. */
function makePage(body: readonly number[], values: number, encoding: number, size = body.length): Uint8Array {
  const counted = [0x15, ...zigzag(values), 0x15, ...zigzag(encoding), 0x15, ...zigzag(3), 0x15, ...zigzag(3), 0];
  return Uint8Array.from([0x15, 0, 0x15, ...zigzag(size), 0x15, ...zigzag(body.length), 0x2c, ...counted, 0, ...body]);
}

const [PLAIN, RLE, DELTA, DELTA_TEXT, DICTIONARY] = [0, 3, 5, 7, 8];
const text: PageColumn = { type: "BYTE_ARRAY", num_values: 1000n, optional: 0 };
const levels = (bytes: readonly number[]): number[] => [bytes.length, 0, 0, 0, ...bytes];

function check(page: Uint8Array, column: PageColumn = text): void {
  for (const one of listPages(page, column, MOST)) {
    openPage(one, page.subarray(one.start, one.end), column, (packed) => packed, MOST);
  }
}

const BILLION = 2 ** 30;

describe("a page", () => {
  it.each<[string, Uint8Array, PageColumn, RegExp]>([
    [
      "a run of nulls",
      makePage(levels([...varint(2 * BILLION), 0]), 1000, PLAIN),
      { ...text, optional: 1 },
      /a run is/,
    ],
    ["a run of places", makePage([8, ...varint(2 * BILLION), 1], 1000, DICTIONARY), text, /a run is longer/],
    ["packed places", makePage([1, ...varint(BILLION + 1), 1], 1000, DICTIONARY), text, /a run is longer/],
    ["wide places", makePage([200, 2, 1], 1, DICTIONARY), text, /more than 32 bits/],
    [
      "truth",
      makePage([0, 0, 0, 0, ...varint(2 * BILLION), 1], 9, RLE),
      { ...text, type: "BOOLEAN" },
      /a run is longer/,
    ],
    ["blocks", makePage([...varint(BILLION), ...varint(BILLION), 1, 0], 9, DELTA), text, /blocks that no writer/],
    [
      "long numbers",
      makePage([...varint(128), 4, 1, ...Array.from({ length: 50 }, () => 255)], 9, DELTA),
      text,
      /ten bytes/,
    ],
    ["values of other pages", makePage([], 1001, PLAIN), text, /larger than its column/],
    ["more bytes than may be held", makePage([], 1, PLAIN, MOST + 1), text, /larger than its column/],
  ])("of too many %s is refused", (_name, page, column, message) => {
    expect(() => check(page, column)).toThrow(message);
  });

  it("may not hold texts that repeat each other without end", () => {
    // Each of a hundred shares all of the text before it, and has four million bytes of its own.
    const more = 4_000_000;
    const deltas = [more, ...Array.from({ length: 127 }, () => 0)].flatMap(word);
    const start = [...varint(128), 1, ...varint(100)];
    const shared = [...start, ...zigzag(0), ...zigzag(0), 32, ...deltas];
    const own = [...start, ...zigzag(more), ...zigzag(0), 0];
    expect(() => check(makePage([...shared, ...own], 100, DELTA_TEXT))).toThrow(/texts would take more than/);
  });

  it("whose head has a number without end is refused before it is read", () => {
    const head = Uint8Array.from({ length: 60_000 }, (_, at) => (at === 0 ? 0x16 : 0xff));
    const began = performance.now();
    expect(() => check(head)).toThrow("Offset is outside the bounds of the DataView");
    expect(performance.now() - began).toBeLessThan(1000);
    // Many of a kilobyte each are refused together.
    const long = [0x16, ...Array.from({ length: 900 }, () => 255), 1];
    const page = [...long, ...makePage([], 0, PLAIN).subarray(2)];
    const pages = Uint8Array.from(Array.from({ length: 200 }, () => page).flat());
    expect(() => check(pages)).toThrow(/headers of pages hold numbers/);
  });
});

function word(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
}

/** Compressed zeros, far more than a page has. */
const packZeros = (page: Uint8Array): Uint8Array => gzipSync(new Uint8Array(3e7 + page.length));

describe("a list", () => {
  it("with a footer of numbers without end, or of gzip without end, is refused soon", async () => {
    const footer = Uint8Array.from({ length: 1_000_000 }, (_, at) => (at === 0 ? 0x16 : 0xff));
    const tail = new Uint8Array([...footer, ...word(footer.length), ...new TextEncoder().encode("PAR1")]);
    const began = performance.now();
    const planned = planInputPage(await fill({ "l.parquet": tail }), manifest("l.parquet"), null, LIMIT);
    await expect(planned).rejects.toThrow("the footer holds numbers of more than ten bytes");
    const columnData = [{ name: "key", data: ["a"], type: "STRING" as const }];
    const file = new Uint8Array(parquetWriteBuffer({ columnData, codec: "GZIP", compressors: { GZIP: packZeros } }));
    const list = planInputPage(await fill({ "l.parquet": file }), manifest("l.parquet"), null, LIMIT);
    await expect(list).rejects.toThrow("inflates to more than its header says");
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it("is read or refused, whatever a few of its bytes are", async () => {
    const columns: { name: string; data: unknown[]; type: BasicType }[] = [
      { name: "key", data: Array.from({ length: 64 }, (_, at) => `key-${at}`), type: "STRING" },
      {
        name: "site",
        data: Array.from({ length: 64 }, (_, at) => (at % 3 === 0 ? null : `s${at % 4}`)),
        type: "STRING",
      },
      { name: "size", data: Array.from({ length: 64 }, (_, at) => (at % 5 === 0 ? null : BigInt(at))), type: "INT64" },
    ];
    const files = (["UNCOMPRESSED", "SNAPPY"] as const).map(
      (codec) => new Uint8Array(parquetWriteBuffer({ columnData: columns, codec, pageSize: 100 })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (whole, changes) => {
          const body = whole.slice();
          for (const [share, byte] of changes) body[Math.floor(share * (body.length - 1))] = byte;
          const began = performance.now();
          const planned = planInputPage(await fill({ "l.parquet": body }), manifest("l.parquet"), null, LIMIT);
          const outcome = await planned.catch((error: unknown) => error);
          expect(outcome).toSatisfy((value: { code?: string; items?: unknown }) => {
            return value.items !== undefined || value.code === "validation_failed";
          });
          expect(performance.now() - began).toBeLessThan(5000);
        },
      ),
      { numRuns: 600 },
    );
  });
});
