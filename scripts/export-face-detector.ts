/**
 * Turns BlazeFace of `@vladmandic/human` (MIT; weights by Google's MediaPipe, Apache-2.0) into models/faces/blazeface@1/, a graph and its weights.
 *
 *     node scripts/export-face-detector.ts
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BLAZEFACE_PIXELS } from "../src/model/blazeface.ts";
import { checkGraph, measureNetwork } from "../src/model/graph/check-graph.ts";
import { parseGraph } from "../src/model/graph/graph.ts";
import { importTfjsGraphModel } from "../src/model/import/tfjs-graph-model.ts";
import { serializeSafetensors } from "../src/model/safetensors.ts";

const home = join(import.meta.dirname, "../node_modules/@vladmandic/human");
const json: unknown = JSON.parse(await readFile(join(home, "models/blazeface.json"), "utf8"));
const source = await readFile(join(home, "models/blazeface.bin"));
const { version } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
const license = await readFile(join(home, "LICENSE"), "utf8");

/** The last convolutions, before what reshapes their values for one fixed size. */
const PREFIX = "StatefulPartitionedCall/functional_1/";
const OUTPUTS = {
  nearScores: `${PREFIX}conv2d_33/BiasAdd`,
  nearValues: `${PREFIX}conv2d_35/BiasAdd`,
  farScores: `${PREFIX}conv2d_34/BiasAdd`,
  farValues: `${PREFIX}conv2d_36/BiasAdd`,
};
const imported = importTfjsGraphModel(json, source, {
  input: { name: "input", channels: 3, height: null, width: null, multipleOf: BLAZEFACE_PIXELS },
  outputs: OUTPUTS,
});
/** All names share the prefix, which says nothing. */
const graph = parseGraph(JSON.parse(JSON.stringify(imported.graph).replaceAll(PREFIX, "")));
const tensors = new Map([...imported.weights].map(([name, tensor]) => [name.replace(PREFIX, ""), tensor]));
const { parameters } = measureNetwork(checkGraph(graph, tensors), BLAZEFACE_PIXELS, BLAZEFACE_PIXELS);

const weights = serializeSafetensors(tensors);
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
    note: "The graph without its last reshapes, so that it runs on any rectangle in multiples of 32.",
  },
  parameters,
  input: "RGB, value / 127.5 − 1",
  outputs:
    "near: stride 16, two anchors a cell; far: stride 32, six; of each anchor a logit and 16 values: middle, size and six points in pixels from the cell's middle",
  paper: "Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, arXiv:1907.05047",
  notices: [
    "Weights from MediaPipe's face detector, back camera (Google, Apache-2.0), as kept in @vladmandic/human (MIT); its licence follows.",
    license.trim(),
  ],
  graph,
};
const folder = fileURLToPath(new URL("../models/faces/blazeface@1/", import.meta.url));
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "weights.safetensors"), weights);
await writeFile(join(folder, "card.json"), `${JSON.stringify(card, null, 2)}\n`);
console.log(`${tensors.size} tensors, ${parameters} parameters, ${weights.length} bytes in ${folder}`);
