import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { readCheckpoint } from "../../../../src/model/checkpoint/read-checkpoint.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { readFixture } from "./fixtures.ts";
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
  little,
  list,
  NONE,
  oneTensor,
  pickle,
  put,
  stackGlobal,
  storage,
  tensor,
  text,
  tuple,
  writeLegacy,
} from "./pickle-writer.ts";
import { writeArchive, writeZip } from "./zip-writer.ts";

/** Reads a file that must be turned away; one that takes a second is not turned away in time. */
function refuse(bytes: Uint8Array): { code: string; detail: string } {
  const started = performance.now();
  try {
    readCheckpoint(bytes, LIMITS.checkpoint);
  } catch (error) {
    const elapsedMs = performance.now() - started;
    if (!(error instanceof ScoringError)) throw error;
    if (elapsedMs >= 1000) throw new Error(`refused after ${elapsedMs} ms`, { cause: error });
    return { code: error.code, detail: error.detail };
  }
  throw new Error("the file was read");
}

/** The attributes of a module without parameters. */
const moduleState = (children: Uint8Array): Uint8Array =>
  dict([
    [text("_parameters"), EMPTY_DICT],
    [text("_modules"), children],
  ]);

/** A module whose set of hidden names is memo 0. */
const sharingChild = (index: number): [Uint8Array, Uint8Array] => [
  text(`m${index}`),
  instance(
    global("a", "M"),
    dict([
      [text("_parameters"), EMPTY_DICT],
      [text("_non_persistent_buffers_set"), get(0)],
    ]),
  ),
];

const archive = (body: Uint8Array, storages: Record<string, Uint8Array> = { 0: new Uint8Array(16) }): Uint8Array =>
  writeArchive(pickle(body), storages);
const repeat = (part: Uint8Array, times: number): Uint8Array => {
  const out = new Uint8Array(part.length * times);
  for (let index = 0; index < times; index += 1) out.set(part, index * part.length);
  return out;
};

describe("pickles that want to run something", () => {
  it.each([
    ["os.system", call(global("os", "system"), text("touch /tmp/x"))],
    ["posix.system", call(global("posix", "system"), text("touch /tmp/x"))],
    ["nt.system", call(stackGlobal("nt", "system"), text("calc"))],
    ["builtins.eval", call(global("builtins", "eval"), text("1"))],
    ["builtins.exec", call(stackGlobal("builtins", "exec"), text("1"))],
    ["__builtin__.eval", call(global("__builtin__", "eval"), text("1"))],
    ["builtins.getattr", call(global("builtins", "getattr"), text("a"), text("b"))],
    ["builtins.__import__", call(global("builtins", "__import__"), text("os"))],
    ["subprocess.Popen", call(global("subprocess", "Popen"), list(text("sh")))],
    ["runpy._run_code", call(global("runpy", "_run_code"), text("x"))],
    ["importlib.import_module", call(global("importlib", "import_module"), text("os"))],
    ["sys.modules", global("sys", "modules")],
    ["operator.attrgetter", call(global("operator", "attrgetter"), text("x"))],
    ["os.system", join(global("os", "system"), EMPTY_TUPLE, 0x81, text("x"), "b")],
    ["functools.partial", call(global("functools", "partial"), NONE)],
    ["torch.load", call(global("torch", "load"), text("x"))],
    ["torch.hub.load", call(global("torch.hub", "load"), text("x"))],
    ["torch.storage._load_from_bytes", call(global("torch.storage", "_load_from_bytes"), join("U", 1, "x"))],
    ["numpy.load", call(global("numpy", "load"), text("x"))],
    ["my.module.Thing", call(global("my.module", "Thing"), int(1))],
    ["__main__.constructor", call(global("__main__", "constructor"))],
    ["collections.OrderedDict.fromkeys", call(global("collections", "OrderedDict.fromkeys"), text("x"))],
    ["__proto__.x", call(global("__proto__", "x"))],
    [".constructor", call(global("", "constructor"))],
  ])("%s is refused by name", (name, body) => {
    for (const bytes of [archive(body), archive(dict([[text("state_dict"), body]])), writeLegacy(body, [])]) {
      const { code, detail } = refuse(bytes);
      expect(code).toBe("checkpoint_refused");
      expect(detail).toContain(name);
      expect(detail).toMatch(/nothing was run|no class/);
    }
  });

  it("a call of something that is no name at all", () => {
    expect(refuse(archive(call(text("os.system"), text("x"))))).toEqual({
      code: "checkpoint_refused",
      detail: "the pickle calls string; nothing was run",
    });
    const record = instance(global("a", "B"), EMPTY_DICT);
    expect(refuse(archive(call(record))).detail).toBe("the pickle calls a a.B; nothing was run");
  });

  it("a rebuild function smuggled into another", () => {
    const body = call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      global("torch", "load"),
      NONE,
      tuple(text("x")),
      NONE,
    );
    expect(refuse(archive(body)).detail).toContain("_rebuild_from_type_v2 with arguments it does not take");
  });

  it.each([
    ["INST", join("(ios\nsystem\n")],
    ["OBJ", join("(", global("a", "b"), "o")],
    ["EXT1", join(0x82, 1)],
    ["NEXT_BUFFER", join(0x97)],
    ["PERSID", join("Px\n")],
  ])("the opcode %s", (_name, body) => {
    expect(refuse(archive(body))).toMatchObject({
      code: "checkpoint_refused",
      detail: expect.stringContaining("opcode 0x"),
    });
  });
});

describe("pickles that want to exhaust", () => {
  const nested = (depth: number): Uint8Array => join(repeat(join("("), depth), repeat(join("t"), depth));
  it.each([
    ["tuples nested a million deep", nested(1_000_000), "checkpoint_refused"],
    ["lists nested 60,000 deep", join(repeat(EMPTY_LIST, 60_000), repeat(join("a"), 59_999)), "checkpoint_refused"],
    ["a million marks", repeat(join("("), 1_000_000), "checkpoint_refused"],
    ["two million opcodes", repeat(join("N0"), 1_000_000), "checkpoint_refused"],
    ["half a million dicts of one byte", repeat(join("}0"), 490_000), "checkpoint_refused"],
    ["a long integer of two gigabytes", join(0x8b, little(2 ** 31 - 1, 4)), "checkpoint_invalid"],
    ["a long integer of 100,000 digits", join(0x8b, little(50_000, 4), new Uint8Array(50_000)), "checkpoint_refused"],
    ["a string of four gigabytes", join("X", little(0xffffffff, 4)), "checkpoint_invalid"],
    ["a string of 2^63 bytes", join(0x8d, little(2n ** 63n - 1n, 8)), "checkpoint_refused"],
    ["a frame of 2^60 bytes", join(0x95, little(2n ** 60n, 8)), "checkpoint_refused"],
    ["a memo index of four billion", join("N", "r", little(0xffffffff, 4), "0", get(7)), "checkpoint_invalid"],
    [
      "a doubled list, 40 times",
      join(put(list(int(1)), 0), ...Array.from({ length: 40 }, (_, i) => put(list(get(i), get(i)), i + 1))),
      "checkpoint_invalid",
    ],
  ])("%s", (_name, body, code) => {
    expect(refuse(archive(body)).code).toBe(code);
  });

  it("containers that hold themselves", () => {
    const loop = join(put(EMPTY_LIST, 0), get(0), "a");
    expect(refuse(archive(loop)).code).toBe("checkpoint_invalid");
    const wrapper = join(put(EMPTY_DICT, 0), text("state_dict"), get(0), "s");
    expect(refuse(archive(wrapper))).toMatchObject({
      code: "checkpoint_invalid",
      detail: expect.stringContaining("state_dict → state_dict"),
    });
  });

  it("a name that begins with module. a hundred thousand times", () => {
    const body = dict([[text(`${"module.".repeat(100_000)}w`), tensor(storage("0", 4), [4], [1])]]);
    expect([...readCheckpoint(archive(body), LIMITS.checkpoint).tensors.keys()]).toEqual(["w"]);
  });

  it("a module that is its own child", () => {
    const state = moduleState(dict([[text("x"), get(0)]]));
    const body = join(put(join(global("a", "Net"), EMPTY_TUPLE, 0x81), 0), state, "b");
    expect(refuse(archive(body))).toMatchObject({
      code: "checkpoint_refused",
      detail: expect.stringContaining("nested more than"),
    });
  });

  it("thirty levels of modules with two names for each child", () => {
    let body = put(instance(global("a", "Leaf"), moduleState(EMPTY_DICT)), 0);
    for (let level = 1; level <= 30; level += 1) {
      const children = dict([
        [text("l"), body],
        [text("r"), get(level - 1)],
      ]);
      body = put(instance(global("a", "Net"), moduleState(children)), level);
    }
    expect(refuse(archive(body))).toMatchObject({
      code: "checkpoint_refused",
      detail: expect.stringContaining("values"),
    });
  });

  it("one set of hidden names shared by very many modules", () => {
    const names = list(...Array.from({ length: 5000 }, (_, index) => int(index)));
    const children = dict(Array.from({ length: 400 }, (_, index) => sharingChild(index)));
    const shared = put(call(global("builtins", "set"), names), 0);
    const root = instance(
      global("a", "Net"),
      dict([
        [text("_non_persistent_buffers_set"), shared],
        [text("_parameters"), EMPTY_DICT],
        [text("_modules"), children],
      ]),
    );
    expect(refuse(archive(root)).code).toBe("checkpoint_refused");
  });

  it("one storage copied into very many tensors", () => {
    const shared = put(storage("0", 4096), 0);
    const first: [Uint8Array, Uint8Array] = [text("w"), tensor(shared, [4096], [1])];
    const copies = Array.from({ length: 4000 }, (_, index): [Uint8Array, Uint8Array] => [
      text(`w${index}`),
      tensor(get(0), [4096], [1]),
    ]);
    const { code, detail } = refuse(archive(dict([first, ...copies]), { 0: new Uint8Array(4 * 4096) }));
    expect(code).toBe("checkpoint_refused");
    expect(detail).toContain("times the file's");
  });
});

describe("tensors that reach too far", () => {
  const cases: [string, Uint8Array, string][] = [
    ["past the end", oneTensor(4, [5], [1]), "reaches outside its storage 0 of 4 elements"],
    ["past the end by offset", oneTensor(4, [4], [1], 1), "offset 1 reaches outside"],
    ["past the end by stride", oneTensor(4, [2, 2], [3, 1]), "reaches outside"],
    ["by a size of 2^52", oneTensor(4, [2 ** 52], [2 ** 10]), "reaches outside"],
    ["by a negative stride", oneTensor(4, [2], [-1]), "damaged offset, size or stride"],
    ["by a negative size", oneTensor(4, [-1], [1]), "damaged offset, size or stride"],
    ["by more strides than sizes", oneTensor(4, [2], [1, 1]), "damaged offset, size or stride"],
    ["empty, at an offset outside", oneTensor(4, [0], [1], 5), "reaches outside"],
  ];
  it.each(cases)("%s", (_name, body, detail) => {
    const found = refuse(archive(body));
    expect(found.code).toBe("checkpoint_invalid");
    expect(found.detail).toContain(detail);
  });

  it("one element expanded to 17 GB, to 2^60, to 40 dimensions", () => {
    const expanded = refuse(archive(oneTensor(4, [65_536, 65_536], [0, 0])));
    expect(expanded).toMatchObject({
      code: "checkpoint_refused",
      detail: expect.stringContaining("wants 17179869184 bytes"),
    });
    expect(refuse(archive(oneTensor(4, [2 ** 30, 2 ** 30], [0, 0]))).code).toBe("checkpoint_refused");
    const ones = Array.from({ length: 40 }, () => 1);
    expect(refuse(archive(oneTensor(4, ones, ones))).detail).toBe("a tensor has 40 dimensions");
  });

  it("a storage that claims two gigabytes", () => {
    const claim = oneTensor(2 ** 29, [2 ** 29], [1]);
    expect(refuse(archive(claim)).detail).toBe("storage 0 claims 2147483648 bytes; the archive has 16");
    const legacy = writeLegacy(claim, [{ key: "0", elements: 2 ** 29, bytes: new Uint8Array(16) }]);
    expect(refuse(legacy).detail).toMatch(/^storage 0 claims 2147483648 bytes; the file has/);
    expect(refuse(archive(oneTensor(2 ** 53, [1], [1]))).code).toBe("checkpoint_invalid");
  });

  it("storages that are missing, of an unknown type, or under a path", () => {
    expect(refuse(archive(oneTensor(), {})).detail).toBe("storage 0 is not in the archive");
    const typed = dict([[text("w"), tensor(storage("0", 1, "ComplexFloatStorage"), [1], [1])]]);
    expect(refuse(archive(typed)).detail).toContain("torch.ComplexFloatStorage");
    const path = dict([[text("w"), tensor(storage("../../etc/passwd", 1), [1], [1])]]);
    expect(refuse(archive(path)).detail).toBe("a persistent id names no storage");
  });

  it("a legacy storage of another length than announced, or cut off", () => {
    const longer = writeLegacy(oneTensor(), [{ key: "0", elements: 5, bytes: new Uint8Array(20) }]);
    expect(refuse(longer).detail).toBe("storage 0 has 5 elements and is announced with 4");
    const cut = writeLegacy(oneTensor(), [{ key: "0", elements: 4, bytes: new Uint8Array(12) }]);
    expect(refuse(cut).code).toBe("checkpoint_invalid");
    expect(refuse(writeLegacy(oneTensor(), [])).detail).toBe("tensor w: storage 0 is missing");
  });
});

describe("archives that lie", () => {
  const data = { name: "a/data.pkl", content: pickle(oneTensor()) };
  const zeros = { name: "a/data/0", content: new Uint8Array(16) };

  it("a zip bomb: small, with a claim of 1 GB", () => {
    const bomb = { name: "a/data/0", content: new Uint8Array(2 ** 20), deflate: true, claimedBytes: 2 ** 30 };
    expect(refuse(writeZip([{ ...data, content: pickle(oneTensor(2 ** 28, [2 ** 28])) }, bomb])).detail).toContain(
      "the zip entry a/data/0 wants 1073741824 bytes",
    );
  });

  it("a zip bomb that claims little and inflates to much", () => {
    const bomb = { name: "a/data/0", content: new Uint8Array(8 * 2 ** 20), deflate: true, claimedBytes: 16, crc32: 0 };
    expect(refuse(writeZip([data, bomb])).detail).toContain("inflates to more than the 16 bytes it claims");
  });

  it("a pickle that is a bomb", () => {
    const bomb = { name: "a/data.pkl", content: new Uint8Array(8 * 2 ** 20), deflate: true };
    expect(refuse(writeZip([bomb])).code).toBe("checkpoint_refused");
  });

  it("entries that overlap, or share their bytes", () => {
    const shared = { name: "a/data/0", content: new Uint8Array(16), claimedOffset: 0 };
    expect(refuse(writeZip([data, shared])).code).toBe("checkpoint_invalid");
    const inside = { ...data, claimedBytes: data.content.length + 40, claimedCompressed: data.content.length + 40 };
    expect(refuse(writeZip([inside, zeros])).detail).toBe("the zip entries a/data.pkl and a/data/0 overlap");
    expect(refuse(writeZip([data, zeros, { ...zeros }])).detail).toBe("the zip archive has two entries named a/data/0");
  });

  it("claims in zip64 fields", () => {
    const huge = { bytes: 2n ** 33n, compressed: 2n ** 33n };
    expect(refuse(writeZip([data, { ...zeros, zip64: huge }])).detail).toContain("claims 8589934592 bytes");
    const wild = { bytes: 2n ** 63n, compressed: 16 };
    expect(refuse(writeZip([data, { ...zeros, zip64: wild }])).detail).toContain(
      "claims a size of 9223372036854775808 bytes",
    );
    const many = { entries: 2n ** 40n, directoryBytes: 100, directoryOffset: 0 };
    expect(refuse(writeZip([data, zeros], { zip64: many })).detail).toContain("claims 1099511627776 entries");
    const far = { entries: 2, directoryBytes: 2n ** 40n, directoryOffset: 0 };
    expect(refuse(writeZip([data, zeros], { zip64: far })).detail).toBe("the zip directory lies outside the file");
  });

  it("encryption, other methods, two sizes, a wrong checksum, more entries than there are", () => {
    expect(refuse(writeZip([data, { ...zeros, flags: 1 }])).detail).toBe("the zip entry a/data/0 is encrypted");
    expect(refuse(writeZip([data, { ...zeros, method: 12 }])).detail).toBe(
      "the zip entry a/data/0 uses compression method 12",
    );
    expect(refuse(writeZip([data, { ...zeros, claimedBytes: 17 }])).detail).toBe(
      "the stored zip entry a/data/0 has two sizes",
    );
    expect(refuse(writeZip([data, { ...zeros, crc32: 1 }])).detail).toContain("its checksum does not match");
    expect(refuse(writeZip([data, zeros], { entries: 3 })).code).toBe("checkpoint_invalid");
    expect(refuse(writeZip([data, zeros], { directoryOffset: 2 ** 31 })).detail).toBe(
      "the zip directory lies outside the file",
    );
  });

  it("truncated anywhere", () => {
    for (const name of ["zip", "legacy"] as const) {
      const whole = readFixture(name);
      for (let length = 0; length < whole.length; length += 97) {
        expect(refuse(whole.subarray(0, length)).code).toMatch(/^checkpoint_(invalid|refused)$/);
      }
    }
  });
});

describe("files that are something else", () => {
  it("says so", () => {
    expect(refuse(new Uint8Array(0)).detail).toBe("the file is neither a PyTorch checkpoint nor safetensors");
    // pickle.dumps({"a": 1}, 0), (…, 1), and a list of protocol 0.
    for (const old of ["(dp0\nVa\np1\nI1\ns.", "}q\0X\x01\0\0\0aq\x01K\x01s.", "(lp0\nI1\na."]) {
      const { code, detail } = refuse(new TextEncoder().encode(old));
      expect([code, detail]).toEqual(["checkpoint_refused", expect.stringContaining("a pickle of protocol 0 or 1")]);
    }
    expect(refuse(join("\x89PNG\r\n\x1a\n", new Uint8Array(99))).code).toBe("checkpoint_invalid");
    expect(refuse(writeZip([{ name: "x.npy", content: new Uint8Array(8) }])).detail).toContain(
      "not written by torch.save",
    );
    expect(refuse(pickle(oneTensor())).code).toMatch(/^checkpoint_/);
    expect(refuse(pickle(dict([[text("a"), int(1)]]))).detail).toContain("a plain pickle");
    expect(refuse(archive(list(int(1)))).detail).toBe("the checkpoint holds no weights: a list");
    expect(refuse(join(new Uint8Array(257), "ustar", new Uint8Array(250))).detail).toContain("tar archive");
    const program = [{ name: "archive/constants.pkl", content: pickle(NONE) }];
    expect(refuse(writeArchive(pickle(oneTensor()), { 0: new Uint8Array(16) }, program)).detail).toContain(
      "TorchScript",
    );
    expect(refuse(join(little(2 ** 20, 8), "{")).code).toBe("checkpoint_invalid");
  });

  it("big-endian files of both formats", () => {
    const order = [{ name: "archive/byteorder", content: join("big") }];
    expect(refuse(writeArchive(pickle(oneTensor()), { 0: new Uint8Array(16) }, order)).detail).toContain(
      'byte order "big"',
    );
    const legacy = writeLegacy(oneTensor(), [{ key: "0", elements: 4, bytes: new Uint8Array(16) }], false);
    expect(refuse(legacy)).toMatchObject({ code: "checkpoint_refused", detail: expect.stringContaining("big-endian") });
  });

  it("several sets of weights under names of their own", () => {
    const one = dict([[text("w"), tensor(storage("0", 4), [4], [1])]]);
    expect(
      refuse(
        archive(
          dict([
            [text("teacher"), one],
            [text("student"), one],
          ]),
        ),
      ).detail,
    ).toContain("(teacher, student)");
  });

  it("a file above the size that is read", () => {
    const limits = { ...LIMITS.checkpoint, maxFileBytes: 10 };
    expect(() => readCheckpoint(new Uint8Array(11), limits)).toThrow("the file has 11 bytes; 10 are read");
  });
});
