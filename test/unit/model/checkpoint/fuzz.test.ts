import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { fitDeepEmotion } from "../../../../src/model/checkpoint/fit-deep-emotion.ts";
import { readCheckpoint, type Checkpoint } from "../../../../src/model/checkpoint/read-checkpoint.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { FIXTURES, readFixture } from "./fixtures.ts";
import {
  call,
  dict,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_TUPLE,
  get,
  global,
  instance,
  int,
  join,
  list,
  NONE,
  pickle,
  put,
  storage,
  tensor,
  text,
  tuple,
  writeLegacy,
} from "./pickle-writer.ts";
import { writeArchive, writeZip, type EndSpec, type EntrySpec } from "./zip-writer.ts";

const limits = LIMITS.checkpoint;

/** Reads what may be anything: a checkpoint or a ScoringError of the two codes, within the stated memory and a second. */
function readAnything(bytes: Uint8Array): Checkpoint | null {
  const started = performance.now();
  try {
    const checkpoint = readCheckpoint(bytes, limits);
    let copied = 0;
    for (const { data } of checkpoint.tensors.values()) copied += data.byteLength;
    const allowed = bytes.length * limits.allocationMultiple + limits.allocationFloorBytes;
    expect(copied).toBeLessThanOrEqual(checkpoint.allocatedBytes);
    expect(checkpoint.allocatedBytes).toBeLessThanOrEqual(allowed);
    try {
      fitDeepEmotion(checkpoint.tensors);
    } catch (error) {
      if (!(error instanceof ScoringError) || error.code !== "checkpoint_invalid") throw error;
    }
    return checkpoint;
  } catch (error) {
    if (!(error instanceof ScoringError) || !error.code.startsWith("checkpoint_")) throw error;
    return null;
  } finally {
    expect(performance.now() - started).toBeLessThan(2000);
  }
}

const byte = fc.integer({ min: 0, max: 255 });
const edgeNumber = fc.oneof(
  fc.integer({ min: -2, max: 6 }),
  fc.constantFrom(2 ** 15, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1),
);

describe("bytes", () => {
  it("any bytes behind any magic number", () => {
    const heads = ["", "PK\x03\x04", "PK\x05\x06", "\x80\x02", "\x80\x04\x95", "\x40\x00\x00\x00\x00\x00\x00\x00{"].map(
      (head) => join(head),
    );
    const hold = (): void =>
      fc.assert(
        fc.property(
          fc.constantFrom(...heads),
          fc.uint8Array({ maxLength: 600 }),
          (head, tail) => void readAnything(join(head, tail)),
        ),
        { numRuns: 400 },
      );
    expect(hold).not.toThrow();
  });

  it("real files with bytes changed, cut out and put in", () => {
    const change = fc.record({
      at: fc.nat({ max: 1_000_000 }),
      cut: fc.nat({ max: 4 }),
      bytes: fc.uint8Array({ maxLength: 4 }),
    });
    let read = 0;
    const hold = (): void =>
      fc.assert(
        fc.property(fc.constantFrom(...FIXTURES), fc.array(change, { minLength: 1, maxLength: 6 }), (name, changes) => {
          let file = readFixture(name);
          for (const { at, cut, bytes } of changes) {
            const place = at % file.length;
            file = join(file.subarray(0, place), bytes, file.subarray(place + cut));
          }
          if (readAnything(file) !== null) read += 1;
        }),
        { numRuns: 200 },
      );
    expect(hold).not.toThrow();
    expect(read).toBeLessThan(200);
  });

  it("real pickles with bytes changed, under a sound archive", () => {
    const weights = new Uint8Array(256).fill(1);
    const body = dict([
      [text("epoch"), int(3)],
      [
        text("state_dict"),
        call(global("collections", "OrderedDict"), list(tuple(text("w"), tensor(storage("0", 64), [8, 8], [8, 1])))),
      ],
      [
        text("model"),
        instance(
          global("a", "Net"),
          dict([[text("_parameters"), dict([[text("v"), tensor(storage("1", 4), [4], [1])]])]]),
        ),
      ],
    ]);
    const sound = pickle(body);
    const hold = (): void =>
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat({ max: sound.length - 1 }), byte), { minLength: 1, maxLength: 4 }),
          (changes) => {
            const data = sound.slice();
            for (const [at, value] of changes) data[at] = value;
            readAnything(writeArchive(data, { 0: weights, 1: weights }));
          },
        ),
        { numRuns: 800 },
      );
    expect(hold).not.toThrow();
  });

  it("any sequence of opcodes", () => {
    const opcodes = [...join("(012NJKMGBCTUX]ael)t}dsucRbQqrhj.")];
    const known = [
      ...opcodes,
      0x80,
      0x81,
      0x82,
      0x85,
      0x86,
      0x87,
      0x88,
      0x89,
      0x8a,
      0x8b,
      0x8c,
      0x8d,
      0x8e,
      0x8f,
      0x90,
      0x91,
      0x92,
      0x93,
      0x94,
      0x95,
      0x96,
    ];
    const part = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
    );
    const hold = (): void =>
      fc.assert(
        fc.property(fc.array(part, { maxLength: 200 }), (parts) => {
          const body = Uint8Array.from(parts);
          readAnything(writeArchive(pickle(body)));
          readAnything(writeLegacy(body, []));
        }),
        { numRuns: 1000 },
      );
    expect(hold).not.toThrow();
  });
});

describe("structure", () => {
  const names = fc.constantFrom(
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter",
    "torch._tensor._rebuild_from_type_v2",
    "collections.OrderedDict",
    "collections.defaultdict",
    "builtins.set",
    "builtins.dict",
    "builtins.bytearray",
    "_codecs.encode",
    "torch.Size",
    "torch.float32",
    "torch.FloatStorage",
    "numpy.dtype",
    "a.Net",
    "os.system",
  );
  const nameBody = names.map((name) => {
    const dot = name.lastIndexOf(".");
    return global(name.slice(0, dot), name.slice(dot + 1));
  });
  const storageBody = fc
    .tuple(
      fc.constantFrom("0", "1", "x"),
      edgeNumber,
      fc.constantFrom("FloatStorage", "HalfStorage", "DoubleStorage", "LongStorage", "UntypedStorage", "QInt8Storage"),
    )
    .map(([key, elements, type]) => storage(key, elements, type));
  const { value } = fc.letrec<{ value: Uint8Array; leaf: Uint8Array }>((tie) => ({
    leaf: fc.oneof(
      fc.constantFrom(NONE, EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, get(0), get(1)),
      fc.constantFrom("w", "state_dict", "model", "module.w", "_parameters", "_modules", "_buffers").map(text),
      edgeNumber.map(int),
      nameBody,
      storageBody,
      fc.constantFrom(tensor(storage("0", 12), [3, 4], [4, 1]), tensor(storage("0", 12), [4, 3], [1, 4])),
      fc
        .tuple(storageBody, fc.array(edgeNumber, { maxLength: 4 }), fc.array(edgeNumber, { maxLength: 4 }), edgeNumber)
        .map(([of, shape, stride, offset]) => tensor(of, shape, stride, offset)),
    ),
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("leaf"),
      fc.array(tie("value"), { maxLength: 4 }).map((items) => tuple(...items)),
      fc.array(tie("value"), { maxLength: 4 }).map((items) => list(...items)),
      fc.array(fc.tuple(tie("leaf"), tie("value")), { maxLength: 4 }).map((entries) => dict(entries)),
      fc.tuple(nameBody, fc.array(tie("value"), { maxLength: 4 })).map(([name, args]) => call(name, ...args)),
      fc.tuple(nameBody, tie("value")).map(([name, state]) => instance(name, state)),
      fc.tuple(tie("value"), fc.nat({ max: 1 })).map(([body, index]) => put(body, index)),
    ),
  }));

  it("any values, calls, instances, storages and tensors", () => {
    let read = 0;
    const hold = (): void =>
      fc.assert(
        fc.property(value, fc.boolean(), (body, wrapped) => {
          const root = wrapped ? dict([[text("state_dict"), dict([[text("w"), body]])]]) : body;
          const bytes = new Uint8Array(48).fill(7);
          const found = readAnything(writeArchive(pickle(root), { 0: bytes, 1: bytes.subarray(0, 8) }));
          readAnything(writeLegacy(root, [{ key: "0", elements: 12, bytes }]));
          if (found !== null) read += 1;
        }),
        { numRuns: 1500 },
      );
    expect(hold).not.toThrow();
    expect(read).toBeGreaterThan(0);
  });

  it("any lies in an archive's headers", () => {
    const lie = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0xffffffff, 2 ** 31, 65_535));
    const big = fc.oneof(fc.bigInt({ min: 0n, max: 400n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    const sound = pickle(dict([[text("w"), tensor(storage("0", 4), [4], [1])]]));
    const entry: fc.Arbitrary<EntrySpec> = fc.record(
      {
        name: fc.constantFrom("a/data.pkl", "a/data/0", "a/byteorder", "a/version", "b/data.pkl"),
        content: fc.oneof(fc.constant(sound), fc.constant(new Uint8Array(16)), fc.uint8Array({ maxLength: 40 })),
        deflate: fc.boolean(),
        claimedBytes: lie,
        claimedCompressed: lie,
        claimedOffset: lie,
        flags: fc.nat({ max: 9 }),
        zip64: fc.record({ bytes: big, compressed: big }),
      },
      { requiredKeys: ["name", "content"] },
    );
    const end: fc.Arbitrary<EndSpec> = fc.record(
      {
        entries: lie,
        directoryOffset: lie,
        zip64: fc.record({ entries: big, directoryBytes: big, directoryOffset: big }),
      },
      { requiredKeys: [] },
    );
    const hold = (): void =>
      fc.assert(
        fc.property(
          fc.array(entry, { maxLength: 5 }),
          end,
          (entries, lies) => void readAnything(writeZip(entries, lies)),
        ),
        { numRuns: 800 },
      );
    expect(hold).not.toThrow();
  });
});
