/**
 * HEIC in Node by `libheif-js` (libheif and libde265 as WebAssembly), an optional peer dependency: loaded when the first such
 * picture comes. Each picture is decoded in a thread of its own, which ends with it: neither a crash nor a file that takes for
 * ever reaches the next picture, and the memory, which WebAssembly never gives back, goes with the thread.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { ScoringError } from "../errors.ts";
import type { OptionalDecoder } from "./image-types.ts";
import type { LibheifReply, LibheifTask } from "./libheif-thread.ts";

/**
 * @returns `null` where `libheif-js` is not installed
 * @throws ScoringError `image_unsupported` where it is installed and cannot be loaded
 */
export async function loadLibheif(): Promise<OptionalDecoder | null> {
  const require = createRequire(import.meta.url);
  const find = (file: string): string | null => {
    try {
      return require.resolve(`libheif-js/${file}`);
    } catch {
      return null;
    }
  };
  const [binary, about] = [find("libheif-wasm/libheif.wasm"), find("package.json")];
  if (binary === null || about === null) return null;
  const module = await compile(binary);
  const { version }: { readonly version: string } = JSON.parse(await readFile(about, "utf8"));
  return {
    name: `libheif-js@${version}`,
    async decode(bytes, _format, limits) {
      const reply = await decodeInThread({ module, bytes, limits }, limits.maxHeifSeconds);
      if ("code" in reply) throw new ScoringError(reply.code, reply.message);
      return reply;
    },
  };
}

async function compile(path: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await readFile(path));
  } catch (cause) {
    throw new ScoringError("image_unsupported", `libheif-js is installed and cannot be loaded: ${String(cause)}`, {
      cause,
    });
  }
}

async function decodeInThread(task: LibheifTask, seconds: number): Promise<LibheifReply> {
  const thread = new Worker(new URL("./libheif-thread.ts", import.meta.url), { workerData: task });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const fail = (message: string): void => resolve({ code: "image_corrupt", message: `libheif: ${message}` });
      thread.once("message", resolve);
      thread.once("error", (error) => fail(error instanceof Error ? error.message : String(error)));
      thread.once("exit", () => fail("ended without a word"));
      timer = setTimeout(() => fail(`not decoded within ${seconds} seconds`), seconds * 1000);
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
