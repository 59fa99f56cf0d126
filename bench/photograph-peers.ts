/** Libraries that find faces and label expressions in photographs, in Node on tfjs-backend-wasm, one thread. */

import { readFile } from "node:fs/promises";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ImageDecoder } from "../src/image/image-types.ts";

/** Something that scores photographs. */
export interface PhotographPeer {
  readonly name: string;
  /** Scores files and counts the faces that it labels. */
  count(files: readonly Uint8Array[]): Promise<number>;
}

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs-core");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const wasmFolder = `${join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "wasm-out")}/`;
const modules = join(import.meta.dirname, "../node_modules/@vladmandic");

/** Both libraries ask for the whole of `@tensorflow/tfjs`, of which they use core and converter, and chain operations. */
function standInForTfjs(): void {
  const whole = { version: {}, ...tf, ...require("@tensorflow/tfjs-converter") };
  const load: unknown = Reflect.get(Module, "_load");
  if (typeof load !== "function") throw new Error("this Node loads modules otherwise");
  Reflect.set(Module, "_load", function loadModule(this: unknown, name: string, ...rest: unknown[]): unknown {
    return name === "@tensorflow/tfjs" ? whole : Reflect.apply(load, this, [name, ...rest]);
  });
  const chained = tf.Tensor.prototype;
  for (const [name, operation] of Object.entries<unknown>(tf)) {
    if (typeof operation !== "function" || name in chained) continue;
    chained[name] = function chain(...rest: unknown[]): unknown {
      return Reflect.apply(operation, tf, [this, ...rest]);
    };
  }
  for (const rank of [1, 2, 3, 4]) {
    chained[`as${rank}D`] = function reshape(...shape: number[]): unknown {
      return tf.reshape(this, shape);
    };
  }
  chained.toFloat = function toFloat(): unknown {
    return tf.cast(this, "float32");
  };
}

async function startTfjs(): Promise<void> {
  if (tf.getBackend() === "wasm") return;
  standInForTfjs();
  wasm.setWasmPaths(wasmFolder);
  wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
}

/** Models from files; Node's own fetch reads none. */
function serveFiles(): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (address, options) => {
    const url = address instanceof Request ? address.url : address.toString();
    if (!url.startsWith("file:")) return fetch(address, options);
    const type = url.endsWith(".json") ? "application/json" : "application/octet-stream";
    return new Response(await readFile(fileURLToPath(url)), { headers: { "content-type": type } });
  };
}

/** BlazeFace at 256 pixels and the expression network, nothing else. */
export async function openHuman(decoder: ImageDecoder): Promise<PhotographPeer> {
  await startTfjs();
  serveFiles();
  const { Human } = require(join(modules, "human/dist/human.node-wasm.js"));
  const off = { enabled: false };
  const face = { enabled: true, detector: { maxDetected: 30, rotation: false }, emotion: { enabled: true } };
  const plainFace = { ...face, mesh: off, iris: off, description: off, attention: off };
  const others = { filter: off, gesture: off, body: off, hand: off, object: off, segmentation: off };
  const modelBasePath = `${pathToFileURL(join(modules, "human/models")).href}/`;
  const places = { backend: "wasm", wasmPath: wasmFolder, modelBasePath };
  const human = new Human({ ...places, ...others, debug: false, async: false, cacheSensitivity: 0, face: plainFace });
  await human.load();
  return {
    name: "@vladmandic/human",
    async count(files) {
      let found = 0;
      for (const file of files) {
        const { raster } = await decoder.decode(file);
        const picture = human.tf.tensor4d(raster.data, [1, raster.height, raster.width, 3], "float32");
        const { face, error } = await human.detect(picture);
        if (error !== null) throw new Error(error);
        found += face.filter(({ emotion }: { emotion?: readonly unknown[] }) => (emotion?.length ?? 0) > 0).length;
        tf.dispose(picture);
      }
      return found;
    },
  };
}

/** The tiny detector and the expression network, as their documentation has it. */
export async function openFaceApi(decoder: ImageDecoder): Promise<PhotographPeer> {
  await startTfjs();
  const faceApi = require(join(modules, "face-api/dist/face-api.node-wasm.js"));
  const folder = join(modules, "face-api/model");
  await faceApi.nets.tinyFaceDetector.loadFromDisk(folder);
  await faceApi.nets.faceExpressionNet.loadFromDisk(folder);
  return {
    name: "@vladmandic/face-api",
    async count(files) {
      let found = 0;
      for (const file of files) {
        const { raster } = await decoder.decode(file);
        const picture = faceApi.tf.tensor3d(raster.data, [raster.height, raster.width, 3], "int32");
        const options = new faceApi.TinyFaceDetectorOptions();
        found += (await faceApi.detectAllFaces(picture, options).withFaceExpressions()).length;
        tf.dispose(picture);
      }
      return found;
    },
  };
}
