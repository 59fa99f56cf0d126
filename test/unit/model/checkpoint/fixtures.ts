import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { countElements, type Tensor } from "../../../../src/model/tensor.ts";
import expected from "../../../golden/checkpoints/expected.json" with { type: "json" };

const folder = join(import.meta.dirname, "../../../golden/checkpoints");
const files = gunzipSync(readFileSync(join(folder, "checkpoints.bin.gz")));

/** Names of the checkpoints that PyTorch wrote. */
export type FixtureName = keyof typeof expected.files;

/** Names of all of them. */
export const FIXTURES: readonly FixtureName[] = Object.keys(expected.files).filter(
  (name): name is FixtureName => name in expected.files,
);

/** The bytes of one file. */
export function readFixture(name: FixtureName): Uint8Array {
  const [from = 0, to = 0] = expected.files[name];
  return new Uint8Array(files.subarray(from, to));
}

/** Its tensors as PyTorch reads them in float32. */
export function readExpected(precision: "float32" | "float16" | "bfloat16"): Map<string, Tensor> {
  const bytes = Buffer.from(expected[precision], "base64");
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const [name, shape] of Object.entries(expected.shapes)) {
    const count = countElements(shape);
    tensors.set(name, { shape, data: values.slice(at, at + count) });
    at += count;
  }
  return tensors;
}
