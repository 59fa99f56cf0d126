/** Where a chunk's time goes inside workerd: V8's sampling profiler over its inspector, from the object to the stored part. */

import { join } from "node:path";
import { Miniflare } from "miniflare";
import { bundleWorker } from "./worker-bundle.ts";
import { listWorkerdProcesses, readThreadClock } from "./process-clock.ts";
import { quantile } from "./timing.ts";

/** Time of one stage, microseconds an image. */
export interface ChunkProfileRow {
  readonly stage: string;
  readonly microseconds: number;
}

/** One kind of file. */
export interface ChunkProfile {
  readonly kind: string;
  readonly images: number;
  /** CPU of the whole process, the local object store's included, microseconds an image. */
  readonly processMicroseconds: number;
  readonly rows: readonly ChunkProfileRow[];
  /** The functions that took most, for reading. */
  readonly functions: readonly ChunkProfileRow[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** First match wins; `path` is that of the source file in the bundle. */
const STAGES: readonly (readonly [stage: string, path: RegExp])[] = [
  ["around the kernel", /src\/backends\//],
  ["decoding, around the decoder", /src\/image\/(?!preprocess|resample)/],
  ["preprocessing", /src\/image\//],
  ["reading (store, retries, bodies)", /src\/storage\/|inputs\/(item-reader|read-item)/],
  ["records: verdict, quality, text, digest", /score-record|softmax|outputs\/|scoring\/(part|summary|job-state)/],
  ["the chunk's loop", /src\/scoring\//],
];

/** Opens an inspector that speaks one command at a time. */
async function connectInspector(
  port: number,
): Promise<{ call(method: string, params?: object): Promise<unknown>; close(): void }> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? "");
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  socket.addEventListener("message", ({ data }) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
    const { id, result, error } = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("no inspector")), { once: true });
  });
  let last = 0;
  return {
    call(method, params = {}) {
      last += 1;
      const id = last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    close: () => socket.close(),
  };
}

/** Which source file each line of the bundle came from: esbuild writes its path before it. */
function indexLines(bundle: string): (line: number) => string {
  const starts: { line: number; path: string }[] = [];
  for (const [line, text] of bundle.split("\n").entries()) {
    const path = /^\/\/ (\S+\.[cm]?[jt]s)$/.exec(text)?.[1];
    if (path !== undefined) starts.push({ line, path });
  }
  return (line) => starts.findLast((start) => start.line <= line)?.path ?? "";
}

/** What the runtime itself does, by the function's name. */
const NATIVE: readonly (readonly [stage: string, name: RegExp])[] = [
  [
    "reading (store, retries, bodies)",
    /^(arrayBuffer|get( size| etag| key)?|read|getReader|ReadableStream|close|enqueue)$/,
  ],
  ["records: verdict, quality, text, digest", /^(digest|encode|TextEncoder|put)$/],
  ["kernel (wasm)", /^wasm-to-js$/],
];

/** A module is known by its number of functions: the kernel has 20, libjpeg-turbo hundreds. */
const KERNEL_FUNCTIONS = 60;

function nameStage(name: string, path: string, wasmSizes: ReadonlyMap<string, number>): string {
  const size = wasmSizes.get(path);
  if (size !== undefined) return size < KERNEL_FUNCTIONS ? "kernel (wasm)" : "JPEG decoder (wasm)";
  if (path === "") return NATIVE.find(([, pattern]) => pattern.test(name))?.[0] ?? (name || "the rest of the runtime");
  return STAGES.find(([, pattern]) => pattern.test(path))?.[0] ?? "the rest";
}

function addTo(table: Map<string, number>, key: string, time: number): void {
  table.set(key, (table.get(key) ?? 0) + time);
}

function rank(table: ReadonlyMap<string, number>): ChunkProfileRow[] {
  const rows = [...table].map(([stage, microseconds]) => ({ stage, microseconds }));
  return rows.sort((a, b) => b.microseconds - a.microseconds);
}

function summarize(
  profile: Profile,
  pathOf: (line: number) => string,
  images: number,
): Pick<ChunkProfile, "rows" | "functions"> {
  const self = new Map<number, number>();
  profile.samples.forEach((id, i) => self.set(id, (self.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0)));
  const stages = new Map<string, number>();
  const functions = new Map<string, number>();
  const wasmSizes = new Map<string, number>();
  for (const { callFrame } of profile.nodes) {
    const index = Number(/\[(\d+)\]$/.exec(callFrame.functionName)?.[1] ?? 0);
    if (callFrame.url.startsWith("wasm:")) {
      wasmSizes.set(callFrame.url, Math.max(index, wasmSizes.get(callFrame.url) ?? 0));
    }
  }
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const time = (self.get(id) ?? 0) / images;
    // Waiting for the store is nobody's CPU.
    if (time === 0 || functionName === "(idle)") continue;
    const path = url === "" || url.startsWith("wasm:") ? url : pathOf(lineNumber);
    addTo(stages, nameStage(functionName, path, wasmSizes), time);
    addTo(functions, `${functionName || "(anonymous)"} ${path}`, time);
  }
  return { rows: rank(stages), functions: rank(functions).slice(0, 40) };
}

/** Scores `files` as one chunk, `chunks` times, and profiles it. */
export async function profileChunk(
  model: string,
  kind: string,
  files: readonly Uint8Array[],
  chunks: number,
): Promise<ChunkProfile> {
  const manifest = await bundleWorker(join(import.meta.dirname, "chunk-worker.ts"));
  const before = listWorkerdProcesses();
  const miniflare = new Miniflare({
    inspectorPort: 0,
    workers: [
      {
        config: {
          name: "chunk",
          compatibilityDate: "2026-04-01",
          compatibilityFlags: [],
          manifest,
          env: { FACES: { type: "r2", name: "faces" } },
        },
      },
    ],
  });
  try {
    const ask = async (path: string, init?: { method: string; body: Buffer }): Promise<void> => {
      const answer = await miniflare.dispatchFetch(`http://worker/${path}`, init);
      if (!answer.ok) throw new Error(await answer.text());
    };
    for (const [i, file] of files.entries()) {
      await ask(`in/${String(i).padStart(6, "0")}`, { method: "PUT", body: Buffer.from(file) });
    }
    const run = (count: number): Promise<void> => ask(`?model=${encodeURIComponent(model)}&chunks=${count}`);
    await run(10);
    const pids = listWorkerdProcesses().filter((pid) => !before.includes(pid));
    const times: number[] = [];
    for (let i = 0; i < chunks; i++) {
      const start = readThreadClock(pids);
      await run(1);
      times.push(readThreadClock(pids) - start);
    }
    const port = Number((await miniflare.getInspectorURL()).port);
    const inspector = await connectInspector(port);
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval: 200 });
    await inspector.call("Profiler.start");
    await run(chunks);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
    const { profile } = (await inspector.call("Profiler.stop")) as { profile: Profile };
    inspector.close();
    const code = manifest.modules[manifest.mainModule]?.contents;
    const images = files.length * chunks;
    return {
      kind,
      images,
      processMicroseconds: (1000 * quantile(times, 0.5)) / files.length,
      ...summarize(profile, indexLines(typeof code === "string" ? code : ""), images),
    };
  } finally {
    await miniflare.dispose();
  }
}
