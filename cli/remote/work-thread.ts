import { createAddressReader } from "../../src/client/compute/compute-api.ts";
import { prefetchLease, scoreCanary, scoreLease } from "../../src/client/compute/score-lease.ts";
import { createApi } from "../../src/client/api.ts";
import { ScoringError, toScoringError } from "../../src/errors.ts";
import type { Canary, ClientLease, ClientTask } from "../../src/scoring/clients/protocol.ts";
import type { Scorer } from "../../src/scoring/work.ts";
import { createScorerSource, type LocalEngine, openRegistry } from "../score/node-work.ts";

/** One piece of work for a thread, and where its inputs are read. */
export interface WorkThreadTask {
  readonly baseUrl: string;
  readonly key: string;
  readonly engine: LocalEngine;
  readonly work:
    | { readonly kind: "canary"; readonly canary: Canary }
    | { readonly kind: "lease"; readonly lease: ClientLease };
}

/** What a thread answers; an error as plain values, since a class does not survive the way. */
export type WorkThreadReply =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly code: ScoringError["code"]; readonly detail: string };

let source: ReturnType<typeof createScorerSource> | null = null;
const checked = new Set<string>();

let turn: Promise<unknown> = Promise.resolve();

/** Engines are not safe for overlapping calls. */
function takeTurn<T>(body: () => Promise<T>): Promise<T> {
  const mine = turn.then(body);
  turn = mine.catch(() => undefined);
  return mine;
}

/** Runs in a pool's thread: two tasks at a time, of which one computes. */
export default async function runWork({ baseUrl, key, engine, work }: WorkThreadTask): Promise<WorkThreadReply> {
  try {
    source ??= createScorerSource(engine);
    if (work.kind === "canary") {
      const { canary } = work;
      const scorer = await openScorer(source, canary.task);
      return { kind: "done", value: await takeTurn(() => scoreCanary(canary, scorer)) };
    }
    const { lease } = work;
    // The bytes are on their way while the chunk before is scored.
    const read = prefetchLease(lease, createAddressReader(createApi({ baseUrl, key })));
    const scorer = await openScorer(source, lease.task);
    return { kind: "done", value: await takeTurn(() => scoreLease(lease, scorer, read)) };
  } catch (thrown) {
    const { code, detail } = toScoringError(thrown);
    return { kind: "failed", code, detail };
  }
}

/** The scorer of a task, on the server's weights. @throws ScoringError `unknown_model`, `model_hash_mismatch` */
async function openScorer(scorers: NonNullable<typeof source>, task: ClientTask): Promise<Scorer> {
  if (!checked.has(task.model)) {
    const { sha256 } = await (await openRegistry()).card(task.model);
    if (sha256 !== task.modelSha256) {
      throw new ScoringError("model_hash_mismatch", `${task.model}: the server has other weights under this name`);
    }
    checked.add(task.model);
  }
  return scorers({ model: task.model, tta: task.tta, findsFaces: task.faces.mode !== "aligned" });
}
