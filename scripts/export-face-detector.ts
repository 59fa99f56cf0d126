/**
 * Turns BlazeFace of `@vladmandic/human` (MIT; weights by Google's MediaPipe, Apache-2.0) into models/faces/blazeface@1/.
 *
 *     node scripts/export-face-detector.ts
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serializeSafetensors } from "../src/model/safetensors.ts";
import { countElements, type Tensor } from "../src/model/tensor.ts";

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
}

const home = join(import.meta.dirname, "../node_modules/@vladmandic/human");
const graph: {
  modelTopology: { node: readonly GraphNode[] };
  weightsManifest: readonly [{ weights: readonly { name: string; shape: readonly number[]; dtype: string }[] }];
} = JSON.parse(await readFile(join(home, "models/blazeface.json"), "utf8"));
const source = await readFile(join(home, "models/blazeface.bin"));
const { version } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
const license = await readFile(join(home, "LICENSE"), "utf8");

const stored = new Map<string, Tensor>();
let offset = 0;
for (const { name, shape, dtype } of graph.weightsManifest[0].weights) {
  const bytes = 4 * countElements(shape);
  const part = Uint8Array.from(source.subarray(offset, offset + bytes));
  if (part.length !== bytes) throw new Error(`${name}: the file ends early`);
  if (dtype === "float32") stored.set(name, { shape, data: new Float32Array(part.buffer) });
  offset += bytes;
}
if (offset !== source.length) throw new Error(`${source.length - offset} bytes are left over`);

/** Convolutions in the order of the layers' numbers, which is the order in which they run. */
const PREFIX = "StatefulPartitionedCall/functional_1/";
const convolutions = new Map<string, GraphNode>();
for (const node of graph.modelTopology.node) {
  if (node.op !== "_FusedConv2D" && node.op !== "DepthwiseConv2dNative") continue;
  convolutions.set(node.name.slice(PREFIX.length), node);
}
const tensors = new Map<string, Tensor>();
function take(from: string, to: string): void {
  const [, weight = "", bias] = convolutions.get(from)?.input ?? [];
  const depthwise = from.startsWith("depthwise");
  const tensor = stored.get(weight);
  if (tensor === undefined) throw new Error(`${from}: no weights`);
  tensors.set(depthwise ? `${to}.depthwise` : `${to}.weight`, tensor);
  if (bias !== undefined) tensors.set(`${to}.bias`, stored.get(bias)!);
}
const BLOCKS = 31;
take("conv2d/Relu", "stem");
for (let i = 0; i < BLOCKS; i++) {
  take(`depthwise_conv2d${i === 0 ? "" : `_${i}`}/depthwise`, `blocks.${i}`);
  take(`conv2d_${i + 1}/BiasAdd`, `blocks.${i}`);
}
take("depthwise_conv2d_31/depthwise", "tail");
take("re_lu_31/Relu", "tail");
take("conv2d_33/BiasAdd", "near.scores");
take("conv2d_35/BiasAdd", "near.values");
take("conv2d_34/BiasAdd", "far.scores");
take("conv2d_36/BiasAdd", "far.values");

const weights = serializeSafetensors(tensors, { format: "tfjs-hwio" });
const card = {
  name: "blazeface",
  version: 1,
  family: "blazeface",
  sha256: createHash("sha256").update(weights).digest("hex"),
  source: {
    package: `@vladmandic/human@${version}`,
    file: "models/blazeface.bin",
    sha256: createHash("sha256").update(source).digest("hex"),
    command: "node scripts/export-face-detector.ts",
    note: "The graph without its last reshapes, so that it runs on any rectangle in multiples of 32; layouts as in tfjs (height, width, in, out).",
  },
  parameters: [...tensors.values()].reduce((sum, { shape }) => sum + countElements(shape), 0),
  input: "RGB, value / 127.5 − 1",
  outputs:
    "near: stride 16, two anchors a cell; far: stride 32, six; of each anchor a logit and 16 values: middle, size and six points in pixels from the cell's middle",
  paper: "Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, arXiv:1907.05047",
  notices: [
    "Weights from MediaPipe's face detector, back camera (Google, Apache-2.0), as kept in @vladmandic/human (MIT); its licence follows.",
    license.trim(),
  ],
};
const folder = fileURLToPath(new URL("../models/faces/blazeface@1/", import.meta.url));
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "weights.safetensors"), weights);
await writeFile(join(folder, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
console.log(`${tensors.size} tensors, ${card.parameters} parameters, ${weights.length} bytes in ${folder}`);
