/** Weights of a tfjs model: files of numbers, one after another, described by a manifest. Nothing in it is trusted. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { readFloat16 } from "../safetensors.ts";
import { countElements, type Tensor } from "../tensor.ts";

const quantization = z.union([
  z.object({ dtype: z.literal("float16") }),
  z.object({ dtype: z.enum(["uint8", "uint16"]), scale: z.number(), min: z.number() }),
]);

/** The manifest of a model.json. */
export const tfjsManifestSchema = z
  .array(
    z.object({
      paths: z.array(z.string()).max(4096),
      weights: z
        .array(
          z.object({
            name: z.string().min(1),
            shape: z
              .array(
                z
                  .int()
                  .min(0)
                  .max(2 ** 31),
              )
              .max(8),
            dtype: z.enum(["float32", "int32"]),
            quantization: quantization.optional(),
          }),
        )
        .max(4096),
    }),
  )
  .max(64);

/** A checked manifest. */
export type TfjsManifest = z.infer<typeof tfjsManifestSchema>;

/** Checks a manifest that stands alone. @throws ScoringError `model_invalid` */
export function parseManifest(json: unknown): TfjsManifest {
  const parsed = tfjsManifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return fail(`the manifest: ${issue?.path.join(".")}: ${issue?.message}`);
}

type Entry = TfjsManifest[number]["weights"][number];

/**
 * Reads all weights.
 * @param bytes the files of the manifest's paths, joined in order
 * @throws ScoringError `model_invalid`, naming the tensor
 */
export function readTfjsWeights(manifest: TfjsManifest, bytes: Uint8Array): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const entry of manifest.flatMap(({ weights }) => weights)) {
    const { width, read } = describeEntry(entry);
    const count = countElements(entry.shape);
    if (!Number.isSafeInteger(count) || count * width > bytes.byteLength - at) {
      fail(`tensor ${entry.name} takes ${count * width} bytes, the file has ${bytes.byteLength - at} left`);
    }
    if (tensors.has(entry.name)) fail(`two tensors are named ${entry.name}`);
    const start = at;
    const data = Float32Array.from({ length: count }, (_, i) => read(view, start + i * width));
    tensors.set(entry.name, { shape: entry.shape, data });
    at += count * width;
  }
  if (at !== bytes.byteLength) fail(`${bytes.byteLength - at} bytes at the end belong to no tensor`);
  return tensors;
}

function describeEntry({ dtype, quantization: packed }: Entry): {
  readonly width: number;
  readonly read: (view: DataView, at: number) => number;
} {
  if (packed === undefined) {
    const whole = dtype === "int32";
    return { width: 4, read: (view, at) => (whole ? view.getInt32(at, true) : view.getFloat32(at, true)) };
  }
  if (packed.dtype === "float16") return { width: 2, read: (view, at) => readFloat16(view.getUint16(at, true)) };
  const { scale, min } = packed;
  if (packed.dtype === "uint8") return { width: 1, read: (view, at) => view.getUint8(at) * scale + min };
  return { width: 2, read: (view, at) => view.getUint16(at, true) * scale + min };
}

function fail(reason: string): never {
  throw new ScoringError("model_invalid", `tfjs weights: ${reason}`);
}
