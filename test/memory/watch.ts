/**
 * What an isolate would be charged for: the JavaScript heap and everything outside it, buffers and WebAssembly memories (Node counts both as
 * `external`), after a full collection, so that only what is alive counts. Looked at before and after each call of a port and of an engine.
 */

import type { ImageDecoder } from "../../src/image/image-types.ts";
import type { Classifier } from "../../src/model/classifier.ts";
import type { FaceFinder } from "../../src/model/face-finder.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";

export interface MemoryPeak {
  /** Bytes alive at once, heap and the rest. */
  total: number;
  /** The rest alone, at its own peak. */
  external: number;
  /** Where the total was met. */
  at: string;
  looks: number;
}

/** `gone`: bytes that were alive within the call and no longer are. */
export type Look = (at: string, gone?: number) => Promise<void>;

/** Looks while there is a `gc` (`--expose-gc`); at the first calls each, then at every 25th. */
export function createMemoryWatch(): { readonly peak: MemoryPeak; readonly look: Look } {
  const peak: MemoryPeak = { total: 0, external: 0, at: "", looks: 0 };
  let calls = 0;
  return {
    peak,
    async look(at, gone = 0) {
      calls += 1;
      if (globalThis.gc === undefined || (calls > 150 && calls % 25 > 0)) return;
      // Buffers and instances are freed behind the first collection.
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc();
      const { heapUsed, external } = process.memoryUsage();
      peak.looks += 1;
      peak.external = Math.max(peak.external, external + gone);
      const total = heapUsed + external + gone;
      if (total <= peak.total) return;
      peak.total = total;
      peak.at = at;
    },
  };
}

async function surround<T>(look: Look, at: string, call: () => Promise<T>): Promise<T> {
  await look(`before ${at}`);
  const result = await call();
  await look(`after ${at}`);
  return result;
}

export function watchStore(store: ObjectStore, look: Look): ObjectStore {
  const watchUpload = (upload: ReturnType<ObjectStore["resumeMultipart"]>): typeof upload => ({
    ...upload,
    uploadPart: (number, body) =>
      surround(look, `part ${number} of ${upload.key}`, () => upload.uploadPart(number, body)),
    complete: (parts) => surround(look, `complete ${upload.key}`, () => upload.complete(parts)),
  });
  return {
    ...store,
    get: (key, options) => surround(look, `get ${key}`, () => store.get(key, options)),
    read: (key, options) => surround(look, `read ${key}`, () => store.read(key, options)),
    put: (key, body, options) => surround(look, `put ${key}`, () => store.put(key, body, options)),
    createMultipart: async (key, options) => watchUpload(await store.createMultipart(key, options)),
    resumeMultipart: (key, uploadId) => watchUpload(store.resumeMultipart(key, uploadId)),
  };
}

export function watchScorer(
  { decoder, classifier, finder }: { decoder: ImageDecoder; classifier: Classifier; finder: FaceFinder | null },
  look: Look,
): { decoder: ImageDecoder; classifier: Classifier; finder: FaceFinder | null } {
  return {
    decoder: {
      ...decoder,
      async decode(bytes, aim) {
        await look("before decode");
        const image = await decoder.decode(bytes, aim);
        // A large instance is dropped behind its picture.
        await look(`decode of ${bytes.length} bytes`, decoder.peakMemoryBytes() - decoder.memoryBytes());
        return image;
      },
    },
    classifier: {
      model: classifier.model,
      labels: classifier.labels,
      input: classifier.input,
      engine: classifier.engine,
      batchSize: classifier.batchSize,
      classify: (pixels, count) => surround(look, "classify", () => classifier.classify(pixels, count)),
      dispose: () => classifier.dispose(),
    },
    finder: finder && {
      ...finder,
      find: (raster, options) => surround(look, "find faces", () => finder.find(raster, options)),
    },
  };
}
