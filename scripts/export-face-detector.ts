/**
 * Turns the tiny face detector of `@vladmandic/face-api` (8-bit weights, MIT) into models/faces/tiny-face@1/.
 *
 *     node scripts/export-face-detector.ts
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHash } from "node:crypto";
import { serializeSafetensors } from "../src/model/safetensors.ts";
import { countElements, type Tensor } from "../src/model/tensor.ts";

interface ManifestWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly quantization: { readonly dtype: "uint8"; readonly scale: number; readonly min: number };
}

const require = createRequire(import.meta.url);
const home = dirname(require.resolve("@vladmandic/face-api/package.json"));
const manifestPath = join(home, "model/tiny_face_detector_model-weights_manifest.json");
const manifest: [{ weights: ManifestWeight[]; paths: [string] }] = JSON.parse(await readFile(manifestPath, "utf8"));
const { version } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
const license = await readFile(join(home, "LICENSE"), "utf8");
const [group] = manifest;
const source = await readFile(join(home, "model", group.paths[0]));

const tensors = new Map<string, Tensor>();
let offset = 0;
for (const { name, shape, quantization } of group.weights) {
  const count = countElements(shape);
  const stored = source.subarray(offset, offset + count);
  if (stored.length !== count) throw new Error(`${name}: the file ends early`);
  const data = Float32Array.from(stored, (value) => value * quantization.scale + quantization.min);
  tensors.set(name.replace("/", "."), { shape, data });
  offset += count;
}
if (offset !== source.length) throw new Error(`${source.length - offset} bytes are left over`);

const weights = serializeSafetensors(tensors, { format: "tfjs-hwio" });
const card = {
  name: "tiny-face",
  version: 1,
  family: "tiny-yolo-face",
  sha256: createHash("sha256").update(weights).digest("hex"),
  source: {
    package: `@vladmandic/face-api@${version}`,
    file: `model/${group.paths[0]}`,
    sha256: createHash("sha256").update(source).digest("hex"),
    command: "node scripts/export-face-detector.ts",
    note: "8-bit weights, expanded to float32; layouts as in tfjs (height, width, in, out).",
  },
  parameters: [...tensors.values()].reduce((sum, { shape }) => sum + countElements(shape), 0),
  shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape])),
  cellPixels: 32,
  anchors: [
    [1.603231, 2.094468],
    [6.041143, 7.080126],
    [2.882459, 3.518061],
    [4.266906, 5.178857],
    [9.041765, 10.66308],
  ],
  meanRgb: [117.001, 114.697, 97.404],
  overlapThreshold: 0.4,
  notices: [
    "Weights from face-api (Vincent Mühler, MIT), as kept in @vladmandic/face-api (MIT); its licence follows.",
    license.trim(),
  ],
};
const folder = fileURLToPath(new URL("../models/faces/tiny-face@1/", import.meta.url));
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "weights.safetensors"), weights);
await writeFile(join(folder, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
console.log(`${tensors.size} tensors, ${card.parameters} parameters, ${weights.length} bytes in ${folder}`);
