/** Where the time of a message goes, for a tracer of the platform: the parts of a scorer and of a store with a span around each call. */

import type { ObjectStore } from "../../storage/object-store.ts";
import type { Scorer } from "../chunk/scorer.ts";

/** What has a span of its own. */
export type SpanName = "plan" | "lease" | "read" | "decode" | "find" | "infer" | "store" | "merge";

/** Runs `body` in a span. Must not fail for reasons of its own. */
export type Trace = <T>(name: SpanName, body: () => Promise<T>) => Promise<T>;

/** Where nobody traces. */
export const untraced: Trace = (_, body) => body();

/** A scorer whose decoding, searching and classifying have spans. */
export function traceScorer({ decoder, finder, classifier }: Scorer, trace: Trace): Scorer {
  return {
    decoder: { ...decoder, decode: (bytes, aim) => trace("decode", () => decoder.decode(bytes, aim)) },
    finder:
      finder === null
        ? null
        : { ...finder, find: (image, options) => trace("find", () => finder.find(image, options)) },
    classifier: {
      ...classifier,
      classify: (pixels, count) => trace("infer", () => classifier.classify(pixels, count)),
    },
  };
}

/** A store whose reads have spans. */
export function traceReads<S extends ObjectStore>(store: S, trace: Trace): S {
  return {
    ...store,
    get: (key, options) => trace("read", () => store.get(key, options)),
    read: (key, options) => trace("read", () => store.read(key, options)),
  };
}
