/**
 * tfjs-backend-wasm from a compiled module: what the seams for workerd, Node and the browser share.
 *
 * The package's own start-up fetches a path, which workerd forbids (WebAssembly may not be compiled from bytes there), and
 * takes any `process` with a Node version for Node. Here the emscripten factory is called directly, with the module given.
 */

import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import wasmFactory from "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js";
import * as tf from "@tensorflow/tfjs-core";
import { ScoringError } from "../errors.ts";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createTfjsClassifier, TFJS_BATCH_SIZE } from "./tfjs-classifier.ts";

/** Kernels are registered under this name, so no other will do. */
export const WASM_BACKEND = "wasm";
/** Above every backend that other files may register. */
const PRIORITY = 10;

/** Settings that every wasm seam takes. */
export interface WasmOptions {
  /** Faces per run, default 32. */
  readonly batchSize?: number;
  /** Name for records, default `tfjs-wasm-simd`. */
  readonly engine?: string;
}

/** What was instantiated, for tests and for `/healthz`. */
export interface WasmProof {
  /** The module that runs, not one that merely was available. */
  readonly module: WebAssembly.Module;
  /** Threads that XNNPACK uses; 1 in workerd and Node. */
  readonly threads: number;
}

/** The build with threads: its own glue code, and where that finds its files. */
export interface ThreadedBuild {
  readonly factory: typeof wasmFactory;
  readonly settings: Pick<NonNullable<Parameters<typeof wasmFactory>[0]>, "locateFile" | "mainScriptUrlOrBlob">;
}

/** One wasm backend per process, as tfjs has it; a failed start is forgotten. */
let started: Promise<WasmProof> | null = null;

/**
 * Instantiates a binary and makes it tfjs's backend "wasm". Later calls return the first one's result.
 * @param loadModule gives the compiled binary: tfjs-backend-wasm-simd.wasm, unless a seam has a choice
 * @throws ScoringError `engine_unavailable`
 */
export function startWasmBackend(
  loadModule: () => Promise<WebAssembly.Module>,
  threaded: ThreadedBuild | null = null,
): Promise<WasmProof> {
  started ??= start(loadModule, threaded).catch((error: unknown) => {
    started = null;
    throw error;
  });
  return started;
}

/**
 * A classifier on the wasm backend.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createWasmClassifier(
  model: Model,
  loadModule: () => Promise<WebAssembly.Module>,
  options: WasmOptions = {},
): Promise<Classifier> {
  await startWasmBackend(loadModule);
  return createTfjsClassifier(model, {
    backend: WASM_BACKEND,
    engine: options.engine ?? "tfjs-wasm-simd",
    batchSize: options.batchSize ?? TFJS_BATCH_SIZE,
  });
}

async function start(
  loadModule: () => Promise<WebAssembly.Module>,
  threaded: ThreadedBuild | null,
): Promise<WasmProof> {
  const binary = await loadModule().catch((cause: unknown) => {
    throw new ScoringError("engine_unavailable", "the binary of tfjs-backend-wasm could not be loaded", { cause });
  });
  try {
    const { wasm, module } = await instantiate(binary, threaded);
    // The package has registered its own start-up under this name when it was imported; nothing has run it.
    tf.removeBackend(WASM_BACKEND);
    const backend = new BackendWasm(wasm);
    tf.registerBackend(WASM_BACKEND, () => backend, PRIORITY);
    return { module, threads: wasm.tfjs.getThreadsCount() };
  } catch (cause) {
    throw new ScoringError("engine_unavailable", "tfjs-backend-wasm did not start", { cause });
  }
}

/** Runs the emscripten factory on `binary` and gives the instance the wrappers that {@link BackendWasm} calls. */
async function instantiate(
  binary: WebAssembly.Module,
  threaded: ThreadedBuild | null,
): Promise<{ wasm: WasmModule; module: WebAssembly.Module }> {
  const { factory, settings } = threaded ?? { factory: wasmFactory, settings: {} };
  // No Promise.withResolvers: Node 20 has none.
  const wasm = await new Promise<Awaited<ReturnType<typeof wasmFactory>>>((resolve, reject) => {
    withoutProcess(() =>
      factory({
        ...settings,
        instantiateWasm: (imports: WebAssembly.Imports, receive: ReceiveInstance) => {
          WebAssembly.instantiate(binary, imports).then((instance) => receive(instance, binary), reject);
          return {};
        },
        onAbort: (reason) => reject(new Error(reason)),
      }),
    ).then(resolve, reject);
  });
  if (!hasCwrap(wasm)) throw new Error("the emscripten module has no cwrap");
  // The same wrappers as the package's init() makes (dist/backend_wasm.js).
  const threadsCount = wasm.cwrap("get_threads_count", "number", []);
  const tfjs: WasmModule["tfjs"] = {
    init: wasm.cwrap("init", null, []),
    initWithThreadsCount: wasm.cwrap("init_with_threads_count", null, ["number"]),
    getThreadsCount: () => Number(threadsCount()),
    registerTensor: wasm.cwrap("register_tensor", null, ["number", "number", "number"]),
    disposeData: wasm.cwrap("dispose_data", null, ["number"]),
    dispose: wasm.cwrap("dispose", null, []),
  };
  return { wasm: Object.assign(wasm, { tfjs }), module: binary };
}

/**
 * Calls `create` while `process` is hidden. The glue reads it once, synchronously, to decide whether it is in Node; there
 * it would ask for `__dirname` and `fs` (which workerd has under nodejs_compat in name only) and install handlers that
 * end the process on any unhandled rejection.
 */
function withoutProcess<T>(create: () => T): T {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, "process");
  if (descriptor === undefined) return create();
  Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });
  try {
    return create();
  } finally {
    Object.defineProperty(globalThis, "process", descriptor);
  }
}

type WasmModule = Awaited<ReturnType<typeof wasmFactory>>;
type ReceiveInstance = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

/** Emscripten's cwrap: the exported C function `name` as a JavaScript function. */
interface HasCwrap {
  cwrap: (
    this: void,
    name: string,
    result: "number" | null,
    args: readonly "number"[],
  ) => (...args: number[]) => unknown;
}

function hasCwrap(module: object): module is HasCwrap {
  return "cwrap" in module && typeof module.cwrap === "function";
}
