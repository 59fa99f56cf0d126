import { describe, expect, it } from "vitest";
import { fitDeepEmotion } from "../../../../src/model/checkpoint/fit-deep-emotion.ts";
import { readCheckpoint } from "../../../../src/model/checkpoint/read-checkpoint.ts";
import { serializeSafetensors } from "../../../../src/model/safetensors.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { FIXTURES, readExpected, readFixture, type FixtureName } from "./fixtures.ts";
import {
  call,
  dict,
  global,
  instance,
  int,
  join,
  list,
  NONE,
  pickle,
  storage,
  tensor,
  text,
  tuple,
  TRUE,
  writeLegacy,
} from "./pickle-writer.ts";
import { writeArchive, writeZip } from "./zip-writer.ts";

const read = (bytes: Uint8Array) => readCheckpoint(bytes, LIMITS.checkpoint);
const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

function precisionOf(name: FixtureName): "float16" | "bfloat16" | "float32" {
  if (name === "half") return "float16";
  return name === "bfloat16" ? "bfloat16" : "float32";
}

describe("checkpoints that PyTorch wrote", () => {
  it.each(FIXTURES)("%s: every tensor, every bit", (name) => {
    const checkpoint = read(readFixture(name));
    const { tensors } = fitDeepEmotion(checkpoint.tensors);
    const expected = readExpected(precisionOf(name));
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [tensorName, { shape, data }] of expected) {
      expect(tensors.get(tensorName)?.shape).toEqual(shape);
      expect(tensors.get(tensorName)?.data).toEqual(data);
    }
  });

  it("says how and where the weights were stored", () => {
    expect(read(readFixture("legacy")).format).toBe("torch-legacy");
    expect(read(readFixture("module")).path).toEqual(["a deep_emotion.DeepEmotion"]);
    const wrapped = read(readFixture("parallel-wrapped"));
    expect(wrapped.path).toEqual(["state_dict"]);
    expect(wrapped.extras).toEqual({ epoch: 3, best: 0.5, align_corners: true });
    expect(wrapped.skipped).toEqual(["norm.num_batches_tracked"]);
    expect(read(readFixture("flattened")).skipped).toEqual([]);
  });

  it("reads Node's Buffers inside larger ones alike", () => {
    const bytes = readFixture("zip");
    const buffer = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
    expect(read(buffer).tensors).toEqual(read(bytes).tensors);
  });

  it("stays below the memory that it states", () => {
    for (const name of FIXTURES) {
      const bytes = readFixture(name);
      const { allocationMultiple, allocationFloorBytes } = LIMITS.checkpoint;
      expect(read(bytes).allocatedBytes).toBeLessThan(bytes.length * allocationMultiple + allocationFloorBytes);
    }
  });
});

describe("what real files also do", () => {
  it("safetensors is read as it is", () => {
    const tensors = readExpected("float32");
    const checkpoint = read(serializeSafetensors(tensors, { made: "here" }));
    expect(checkpoint.format).toBe("safetensors");
    expect(checkpoint.tensors.size).toBe(tensors.size);
    for (const [name, tensor] of tensors) expect(checkpoint.tensors.get(name)).toEqual(tensor);
  });

  it("a deflated archive, and one whose checksums were left out", () => {
    const data = pickle(dict([[text("w"), tensor(storage("0", 2), [2], [1])]]));
    const content = floats(1.5, -2);
    const deflated = writeZip([
      { name: "x/data.pkl", content: data, deflate: true },
      { name: "x/data/0", content, deflate: true },
    ]);
    expect(read(deflated).tensors.get("w")?.data).toEqual(Float32Array.of(1.5, -2));
    const unchecked = writeZip([
      { name: "x/data.pkl", content: data, crc32: 0 },
      { name: "x/data/0", content, crc32: 0 },
    ]);
    expect(read(unchecked).tensors.get("w")?.data).toEqual(Float32Array.of(1.5, -2));
  });

  it("strides of any order, offsets, scalars and empty tensors", () => {
    const entries = dict([
      [text("column"), tensor(storage("0", 6), [3, 2], [1, 3])],
      [text("repeated"), tensor(storage("0", 6), [2, 3], [0, 1], 1)],
      [text("scalar"), tensor(storage("0", 6), [], [], 5)],
      [text("empty"), tensor(storage("0", 6), [0, 4], [4, 1], 6)],
    ]);
    const { tensors } = read(writeArchive(pickle(entries), { 0: floats(0, 1, 2, 3, 4, 5) }));
    expect(tensors.get("column")).toEqual({ shape: [3, 2], data: Float32Array.of(0, 3, 1, 4, 2, 5) });
    expect(tensors.get("repeated")).toEqual({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 1, 2, 3) });
    expect(tensors.get("scalar")).toEqual({ shape: [], data: Float32Array.of(5) });
    expect(tensors.get("empty")).toEqual({ shape: [0, 4], data: new Float32Array(0) });
  });

  it("untyped storages (_rebuild_tensor_v3), tensors with attributes, cuda storages", () => {
    const shape = [int(0), tuple(int(2)), tuple(int(1)), TRUE, NONE];
    const v3 = call(
      global("torch._utils", "_rebuild_tensor_v3"),
      storage("0", 8, "UntypedStorage"),
      ...shape,
      global("torch", "float32"),
      NONE,
    );
    const inner = tuple(storage("0", 2), ...shape);
    const typed = call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      global("torch._utils", "_rebuild_tensor_v2"),
      global("torch", "Tensor"),
      inner,
      dict([]),
    );
    const read3 = read(writeArchive(pickle(dict([[text("w"), v3]])), { 0: floats(7, 8) }));
    expect(read3.tensors.get("w")?.data).toEqual(Float32Array.of(7, 8));
    const readTyped = read(writeArchive(pickle(dict([[text("w"), typed]])), { 0: floats(7, 8) }));
    expect(readTyped.tensors.get("w")?.data).toEqual(Float32Array.of(7, 8));
  });

  it("NumPy scalars, devices, named tuples and other bystanders are passed over", () => {
    const scalar = call(
      global("numpy.core.multiarray", "scalar"),
      join(call(global("numpy", "dtype"), text("f8"), TRUE, TRUE), tuple(int(3)), "b"),
      call(global("_codecs", "encode"), text("abcdefgh"), text("latin1")),
    );
    const root = dict([
      [text("best"), scalar],
      [text("device"), call(global("torch", "device"), text("cuda"))],
      [text("args"), instance(global("argparse", "Namespace"), dict([[text("lr"), int(1)]]))],
      [text("history"), list(int(1), int(2))],
      [text("seen"), call(global("builtins", "set"), list(int(1)))],
      [text("state_dict"), dict([[text("module.module.w"), tensor(storage("0", 1), [1], [1])]])],
    ]);
    expect([...read(writeArchive(pickle(root), { 0: floats(3) })).tensors.keys()]).toEqual(["w"]);
  });

  it("views of a storage in the legacy format", () => {
    const view = tuple(text("v1"), int(2), int(3));
    const body = dict([
      [text("all"), tensor(storage("k", 6), [6], [1])],
      [text("part"), tensor(storage("k", 6, "FloatStorage", view), [3], [1])],
    ]);
    const file = writeLegacy(body, [{ key: "k", elements: 6, bytes: floats(0, 1, 2, 3, 4, 5) }]);
    expect(read(file).tensors.get("part")?.data).toEqual(Float32Array.of(2, 3, 4));
  });

  it("buffers that are not persistent stay out of a module", () => {
    const one = tensor(storage("0", 1), [1], [1]);
    const state = dict([
      [text("_parameters"), dict([[text("w"), one]])],
      [
        text("_buffers"),
        dict([
          [text("kept"), one],
          [text("cache"), one],
        ]),
      ],
      [text("_non_persistent_buffers_set"), call(global("__builtin__", "set"), list(text("cache")))],
      [text("_modules"), dict([])],
    ]);
    const file = writeArchive(pickle(instance(global("__main__", "Net"), state)), { 0: floats(1) });
    expect([...read(file).tensors.keys()]).toEqual(["w", "kept"]);
  });
});
