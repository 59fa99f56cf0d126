/** Scores pictures beside the page, with the code that scores on the server: the same chunk, over a store in memory. */

import { DEFAULT_FACE_SEARCH } from "../../../src/scoring/chunk/faces.ts";
import { ScoringError, toScoringError } from "../../../src/errors.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import { scoreChunk } from "../../../src/scoring/chunk/score-chunk.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import { createScoringParts } from "../engine/scoring-parts.ts";
import { openEngine } from "./engine-ladder.ts";
import type { Reply, Request } from "./messages.ts";

const MODEL = "deep-emotion@4";

function say(reply: Reply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker speaks to its page only
  globalThis.postMessage(reply);
}

/** One engine, which the page may change, and parts that stay. */
function createScorer() {
  const { registry, loadDecoder, loadFinder } = createScoringParts();
  let classifier: Classifier | null = null;
  let networkMs = 0;

  /** Adds up the time inside of the network. */
  const timed = (inner: Classifier): Classifier => ({
    ...inner,
    async classify(pixels, count) {
      const start = performance.now();
      const scores = await inner.classify(pixels, count);
      networkMs += performance.now() - start;
      return scores;
    },
  });

  return {
    async open(request: Extract<Request, { kind: "open" }>): Promise<Reply> {
      classifier?.dispose();
      const opened = await openEngine(await registry.load(MODEL), request.engine);
      classifier = opened.classifier === null ? null : timed(opened.classifier);
      if (classifier === null) return { kind: "unavailable", steps: opened.steps };
      return { kind: "ready", engine: classifier.engine, model: MODEL, steps: opened.steps };
    },
    async score({ id, name, bytes, faces }: Extract<Request, { kind: "score" }>): Promise<Reply> {
      if (classifier === null) throw new ScoringError("engine_unavailable", "no engine was started");
      const store = createMemoryStore();
      const content = new Uint8Array(bytes);
      const put = await store.put("picture", content);
      const etag = put.kind === "stored" ? put.etag : null;
      const finder = faces === "aligned" ? null : await loadFinder();
      const deps = { store, decoder: await loadDecoder(), finder, classifier };
      networkMs = 0;
      const start = performance.now();
      const { records } = await scoreChunk(deps, [{ index: 0, id: name, key: "picture", size: content.length, etag }], {
        format: "image",
        faces: { ...DEFAULT_FACE_SEARCH, mode: faces },
        stamp: { model: MODEL, pipeline: (await registry.card(MODEL)).pipeline },
        maxImageBytes: LIMITS.maxImageBytes,
        maxConnections: 1,
        maxAheadBytes: LIMITS.maxAheadBytes,
        maxRunBytes: 0,
        maxGapBytes: 0,
        failedReads: "record",
      });
      return { kind: "scored", id, records, totalMs: performance.now() - start, networkMs };
    },
  };
}

type Scorer = ReturnType<typeof createScorer>;

async function answer(scorer: Scorer, request: Request, before: Promise<unknown>): Promise<void> {
  await before;
  try {
    say(request.kind === "open" ? await scorer.open(request) : await scorer.score(request));
  } catch (thrown) {
    const { detail } = toScoringError(thrown);
    if (request.kind === "score") say({ kind: "failed", id: request.id, message: detail });
    else say({ kind: "unavailable", steps: [{ engine: request.engine, taken: false, reason: detail }] });
  }
}

/** Answers the page's requests, from now on. */
export function answerPictures(): void {
  const scorer = createScorer();
  /** One request after the other: an engine is not safe for overlapping calls. */
  let previous: Promise<unknown> = Promise.resolve();
  addEventListener("message", ({ data: request }: MessageEvent<Request>) => {
    previous = answer(scorer, request, previous);
  });
}
