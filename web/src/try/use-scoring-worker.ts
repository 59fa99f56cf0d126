/** The worker that scores pictures in this page. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { EngineChoice, Reply, Request } from "./messages.ts";

/** What scores, or why nothing does. */
export type Engine = Extract<Reply, { kind: "ready" | "unavailable" }>;

/** What came of one picture. */
export type Result = Extract<Reply, { kind: "scored" | "failed" }>;

/**
 * A worker for as long as the component lives. What is posted has its result by its id, from 0 on; what is scored once is answered
 * and forgotten.
 */
export function useScoringWorker(choice: EngineChoice) {
  const [engine, setEngine] = useState<Engine | null>(null);
  const [results, setResults] = useState<ReadonlyMap<number, Result>>(new Map());
  const worker = useRef<Worker | null>(null);
  const passing = useRef({ nextId: -1, waiting: new Map<number, (result: Result) => void>() });
  useEffect(() => {
    const started = new Worker(new URL("../engine/engine-worker.ts", import.meta.url), {
      type: "module",
      name: "scoring",
    });
    worker.current = started;
    started.addEventListener("message", (event: MessageEvent<Reply>) => {
      const reply = event.data;
      if (reply.kind === "ready" || reply.kind === "unavailable") setEngine(reply);
      else if (reply.id >= 0) setResults((before) => new Map(before).set(reply.id, reply));
      else {
        passing.current.waiting.get(reply.id)?.(reply);
        passing.current.waiting.delete(reply.id);
      }
    });
    started.addEventListener("error", (event) => {
      const reason = event.message || "the scoring worker did not start";
      setEngine({ kind: "unavailable", steps: [{ engine: "worker", taken: false, reason }] });
    });
    return () => started.terminate();
  }, []);
  const post = useCallback((request: Request, transfer: Transferable[] = []) => {
    worker.current?.postMessage(request, transfer);
  }, []);
  const scoreOnce = useCallback(
    (request: Omit<Extract<Request, { kind: "score" }>, "id" | "kind">): Promise<Result> =>
      new Promise((resolve) => {
        const id = passing.current.nextId--;
        passing.current.waiting.set(id, resolve);
        post({ ...request, kind: "score", id }, [request.bytes]);
      }),
    [post],
  );
  useEffect(() => {
    setEngine(null);
    post({ kind: "open", engine: choice });
  }, [choice, post]);
  return { engine, results, post, scoreOnce };
}
