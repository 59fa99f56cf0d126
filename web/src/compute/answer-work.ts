/** Scores leased chunks on one engine. The loop has one of these for a GPU, otherwise one per core. */

import { findsFaces } from "../../../src/scoring/records/face-mode.ts";
import { createApi } from "../../../src/client/api.ts";
import type { WorkReply } from "../../../src/client/compute/work-scorer.ts";
import { createAddressReader } from "../../../src/client/compute/compute-api.ts";
import { retryReads } from "../../../src/client/compute/retry-request.ts";
import { createWorkRunner, requireServerModel } from "../../../src/client/compute/work-runner.ts";
import { ScoringError, toScoringError } from "../../../src/errors.ts";
import type { Classifier } from "../../../src/model/classifier.ts";
import { createFlipClassifier } from "../../../src/model/flip.ts";
import type { ClientTask } from "../../../src/scoring/client-compute/protocol.ts";
import type { Scorer } from "../../../src/scoring/chunk/scorer.ts";
import { startEngine } from "../engine/engines.ts";
import { createScoringParts } from "../engine/scoring-parts.ts";
import type { EngineReply, EngineRequest } from "./messages.ts";
import { createWaiter } from "../waiter.ts";

function say(reply: EngineReply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker speaks to its maker only
  globalThis.postMessage(reply);
}

type Open = Extract<EngineRequest, { kind: "open" }>;

/** One engine and what scores beside it. */
function createEngine() {
  const { registry, loadDecoder, loadFinder } = createScoringParts();
  const waiter = createWaiter();
  let opened: { readonly request: Open; readonly classifier: Classifier } | null = null;

  async function open(request: Open): Promise<string> {
    const { engine, model, chosen } = request;
    const { classifier, detail } = await startEngine(engine, await registry.load(model), { hardwareOnly: !chosen });
    opened = { request, classifier };
    return detail;
  }

  async function openScorer(task: ClientTask): Promise<Scorer> {
    if (opened?.request.model !== task.model) throw new ScoringError("internal", `no engine holds ${task.model}`);
    requireServerModel(task, await registry.card(task.model));
    const searches = findsFaces({ faces: task.faces.mode, format: task.format });
    if (searches && opened.request.engine === "webgpu" && !opened.request.chosen) {
      throw new ScoringError("engine_unavailable", "this job looks for faces, which takes the CPU: more cores do more");
    }
    const { classifier } = opened;
    return {
      decoder: await loadDecoder(),
      finder: searches ? await loadFinder() : null,
      classifier: task.tta === "flip" ? createFlipClassifier(classifier) : classifier,
    };
  }

  const read = retryReads(createAddressReader(createApi()), {
    wait: waiter.wait,
    pausing: (waitMs, { code, detail }) => say({ kind: "pausing", waitMs, error: { code, detail } }),
    signal: new AbortController().signal,
  });
  return { open, work: createWorkRunner({ openScorer, read }), wake: () => waiter.wake() };
}

async function reply(answer: () => Promise<string>): Promise<WorkReply> {
  try {
    return { kind: "done", value: await answer() };
  } catch (thrown) {
    const { code, detail } = toScoringError(thrown);
    // What a browser says when a file cannot be loaded.
    const isAway = thrown instanceof TypeError && /fetch|network|load|import/i.test(thrown.message);
    return { kind: "failed", code: isAway ? "api_unavailable" : code, detail };
  }
}

/** Answers the loop's requests, from now on. */
export function answerWork(): void {
  const engine = createEngine();
  addEventListener("message", ({ data: request }: MessageEvent<EngineRequest>) => {
    if (request.kind === "wake") {
      engine.wake();
      return;
    }
    const answer = request.kind === "open" ? reply(() => engine.open(request)) : engine.work(request.work);
    void answer.then((done) => say({ kind: "done", id: request.id, reply: done }));
  });
}
