import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import {
  parseSafetensors,
  readBfloat16,
  readFloat16,
  serializeSafetensors,
  writeFloat16,
} from "../../../src/model/safetensors.ts";
import { countElements, type Tensor } from "../../../src/model/tensor.ts";

/** A file with any header, valid or not. */
function buildFile(header: unknown, buffer: Uint8Array = new Uint8Array()): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + buffer.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(buffer, 8 + json.length);
  return bytes;
}

function readFailure(bytes: Uint8Array): string {
  try {
    parseSafetensors(bytes);
  } catch (error) {
    if (error instanceof ScoringError && error.code === "model_invalid") return error.detail;
    throw error;
  }
  return "no failure";
}

const float = fc.float({ noNaN: true });
const tensor: fc.Arbitrary<Tensor> = fc
  .array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
  .chain((shape) =>
    fc
      .array(float, { minLength: countElements(shape), maxLength: countElements(shape) })
      .map((values) => ({ shape, data: Float32Array.from(values) })),
  );
const name = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("1", "0", "__proto__", "constructor", "é"));
const tensors = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 })
  .map((pairs) => new Map(pairs.filter(([key]) => key !== "__metadata__")));
const metadata = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 3 });

describe("safetensors", () => {
  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(tensors, metadata, (input, meta) => {
        const file = parseSafetensors(serializeSafetensors(input, meta));
        expect([...file.tensors.keys()].sort()).toEqual([...input.keys()].sort());
        for (const [key, { shape, data }] of input) {
          const read = file.tensors.get(key)!;
          expect(read.shape).toEqual(shape);
          expect(new Uint8Array(read.data.buffer)).toEqual(new Uint8Array(data.buffer));
        }
        expect(new Map(Object.entries(file.metadata))).toEqual(new Map(Object.entries(meta)));
      }),
    );
  });

  it("writes the same bytes whatever the order of the map, aligned to 8", () => {
    fc.assert(
      fc.property(tensors, metadata, (input, meta) => {
        const reversed = new Map([...input].reverse());
        const bytes = serializeSafetensors(input, meta);
        const backwards = Object.fromEntries(Object.entries(meta).reverse());
        expect(serializeSafetensors(reversed, backwards)).toEqual(bytes);
        expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
      }),
    );
  });

  it("reads a file that lies unaligned in a larger buffer", () => {
    const bytes = serializeSafetensors(new Map([["a", { shape: [2], data: Float32Array.of(1.5, -2) }]]));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...parseSafetensors(shifted.subarray(3)).tensors.get("a")!.data]).toEqual([1.5, -2]);
  });

  it("reads a Buffer, whose slice() shares memory", () => {
    const data = Float32Array.of(1, 2, 3);
    const bytes = serializeSafetensors(new Map([["a", { shape: [3], data }]]));
    expect(parseSafetensors(Buffer.from(bytes)).tensors.get("a")!.data).toEqual(data);
  });

  it("answers any bytes with tensors or a ScoringError", () => {
    const start = serializeSafetensors(new Map([["a.weight", { shape: [2, 2], data: new Float32Array(4) }]]), {
      k: "v",
    });
    const mutation = fc.array(fc.tuple(fc.nat(start.length - 1), fc.nat(255)), { maxLength: 4 });
    const mutated = fc.tuple(mutation, fc.nat(start.length)).map(([changes, length]) => {
      const bytes = start.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        expect(typeof readFailure(bytes)).toBe("string");
      }),
      { numRuns: 500 },
    );
  });

  it("refuses every truncation", () => {
    const bytes = serializeSafetensors(new Map([["a", { shape: [3], data: new Float32Array(3) }]]));
    for (let length = 0; length < bytes.length; length++) {
      expect(readFailure(bytes.subarray(0, length))).not.toBe("no failure");
    }
  });

  it("reads every dtype as float32", () => {
    const bytes = new Uint8Array(8 + 4 + 2 + 2 + 8 + 1);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, 0.1, true);
    view.setFloat32(8, -3.25, true);
    view.setUint16(12, 0xc100, true);
    view.setUint16(14, 0x3fc0, true);
    view.setBigInt64(16, -7n, true);
    bytes[24] = 200;
    const file = parseSafetensors(
      buildFile(
        {
          d: { dtype: "F64", shape: [1], data_offsets: [0, 8] },
          f: { dtype: "F32", shape: [], data_offsets: [8, 12] },
          h: { dtype: "F16", shape: [1], data_offsets: [12, 14] },
          b: { dtype: "BF16", shape: [1], data_offsets: [14, 16] },
          i: { dtype: "I64", shape: [], data_offsets: [16, 24] },
          u: { dtype: "U8", shape: [1, 1], data_offsets: [24, 25] },
        },
        bytes,
      ),
    );
    const first = (key: string): number => file.tensors.get(key)!.data[0]!;
    expect(["d", "f", "h", "b", "i", "u"].map(first)).toEqual([Math.fround(0.1), -3.25, -2.5, 1.5, -7, 200]);
  });

  it("reads half floats at their edges", () => {
    expect([0x0001, 0x03ff, 0x0400, 0x7bff, 0x8000, 0x7c00, 0xfc00].map(readFloat16)).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      65504,
      -0,
      Infinity,
      -Infinity,
    ]);
    expect(readFloat16(0x7e00)).toBeNaN();
    expect(readBfloat16(0xff80)).toBe(-Infinity);
  });

  const a = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const claims: [string, Uint8Array, RegExp][] = [
    [
      "a header larger than the file",
      Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 0x7b),
      /header of 255 bytes in a file of 9/,
    ],
    ["a header of exabytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x7f), /more than 1048576/],
    ["a header that is no object", buildFile("[]"), /does not begin/],
    ["a header that is no JSON", buildFile("{oops"), /not JSON/],
    ["an unknown dtype", buildFile({ a: { ...a, dtype: "F8_E4M3" } }, new Uint8Array(4)), /tensor a: dtype F8_E4M3/],
    ["a dtype that is a property of objects", buildFile({ a: { ...a, dtype: "toString" } }), /dtype toString/],
    ["a negative size", buildFile({ a: { ...a, shape: [-1] } }, new Uint8Array(4)), /tensor a: the shape/],
    ["a fractional size", buildFile({ a: { ...a, shape: [1.5] } }, new Uint8Array(4)), /tensor a: the shape/],
    [
      "sizes whose product overflows",
      buildFile({ a: { ...a, shape: [2 ** 40, 2 ** 40] } }, new Uint8Array(4)),
      /takes/,
    ],
    [
      "a shape that does not fit its bytes",
      buildFile({ a: { ...a, shape: [2] } }, new Uint8Array(4)),
      /F32 \[2\] takes 8/,
    ],
    ["offsets beyond the file", buildFile({ a: { ...a, data_offsets: [0, 8] } }, new Uint8Array(4)), /bytes 0…8 of/],
    ["offsets backwards", buildFile({ a: { ...a, data_offsets: [4, 0] } }, new Uint8Array(4)), /bytes 4…0/],
    ["one offset", buildFile({ a: { ...a, data_offsets: [0] } }, new Uint8Array(4)), /two offsets/],
    ["an overlap", buildFile({ a, b: a }, new Uint8Array(4)), /tensor b: overlaps/],
    ["a hole", buildFile({ a: { ...a, data_offsets: [4, 8] } }, new Uint8Array(8)), /4 bytes before it/],
    ["bytes after the last tensor", buildFile({ a }, new Uint8Array(5)), /1 bytes at the end/],
    [
      "two tensors of one name, the second escaped",
      buildFile(`{"a":${JSON.stringify(a)},"\\u0061":${JSON.stringify({ ...a, shape: [1, 1] })}}`, new Uint8Array(4)),
      /the name a stands twice/,
    ],
    [
      "a tensor with two dtypes",
      buildFile('{"a":{"dtype":"I32","dtype" : "F32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4)),
      /the name dtype stands twice/,
    ],
    ["metadata that are no strings", buildFile({ __metadata__: { n: 1 } }), /n is not a string/],
  ];
  for (const [what, bytes, reason] of claims) {
    it(`refuses ${what}`, () => {
      expect(readFailure(bytes)).toMatch(reason);
    });
  }

  it("refuses more tensors than the limit", () => {
    const bytes = serializeSafetensors(new Map([["a", { shape: [0], data: new Float32Array() }]]));
    expect(() => parseSafetensors(bytes, { maxHeaderBytes: 1000, maxTensors: 0 })).toThrow(/1 tensors, more than 0/);
  });

  it("refuses to write data that do not fill their shape", () => {
    expect(() => serializeSafetensors(new Map([["a", { shape: [2], data: new Float32Array(3) }]]))).toThrow(/tensor a/);
  });
});

describe("float16", () => {
  it("writes every half as itself", () => {
    const all = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => !Number.isNaN(readFloat16(bits)));
    expect(all.map((bits) => writeFloat16(readFloat16(bits)))).toEqual(all);
    expect(readFloat16(writeFloat16(Number.NaN))).toBeNaN();
  });

  it("rounds to the nearest, ties to even", () => {
    const any = fc.double({ min: -65_504, max: 65_504, noNaN: true });
    const small = fc.double({ min: -1e-4, max: 1e-4, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(any, small), (value) => {
        const bits = writeFloat16(value);
        const error = Math.abs(readFloat16(bits) - value);
        for (const near of [bits - 1, bits + 1].filter(
          (one) => (one & 0x7c00) !== 0x7c00 && one >> 15 === bits >> 15,
        )) {
          const other = Math.abs(readFloat16(near) - value);
          expect(Number.isNaN(error) || error < other || (error === other && bits % 2 === 0)).toBe(true);
        }
      }),
    );
    expect([65519.9, 65520, 2 ** -25, 1.0001 * 2 ** -25].map(writeFloat16)).toEqual([0x7bff, 0x7c00, 0, 1]);
  });

  it("is half the size in a file, and reads back rounded", () => {
    const tensors = new Map([["a", { shape: [3], data: Float32Array.of(0.1, -2, 1e-9) }]]);
    const bytes = serializeSafetensors(tensors, {}, "F16");
    expect(bytes.length - serializeSafetensors(tensors).length).toBe(-6);
    expect([...parseSafetensors(bytes).tensors.get("a")!.data]).toEqual([readFloat16(0x2e66), -2, 0]);
  });
});
