/** The work of this tab on one job: it continues across the console's pages, and after a reload. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { ScoringError } from "../../../src/errors.ts";
import { noteSignedOut } from "../api.ts";
import { advance, beginCompute, type ComputeState, type Hold } from "./compute-state.ts";
import { type EngineChoice, LADDER, type LoopReply, type LoopRequest } from "./messages.ts";

/** What a page may do with it. */
export interface ComputeSession {
  /** `null` before anything was started in this tab. */
  readonly state: ComputeState | null;
  readonly start: (job: { readonly id: string; readonly model: string }, choice: EngineChoice) => void;
  /** What is in hand goes back to the server. */
  readonly stop: () => void;
}

const Context = createContext<ComputeSession>({ state: null, start: () => undefined, stop: () => undefined });

/** The session of this tab. */
export function useCompute(): ComputeSession {
  return useContext(Context);
}

/** What is started again after a reload. It is in the tab's own storage, which ends with the tab. */
const STORED = "countenance-compute";

interface Wanted {
  readonly jobId: string;
  readonly model: string;
  readonly choice: EngineChoice;
}

function readWanted(): Wanted | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    if (typeof stored !== "object" || stored === null) return null;
    const [jobId, model] = [Reflect.get(stored, "jobId"), Reflect.get(stored, "model")] as unknown[];
    const choice = LADDER.find((rung) => rung === Reflect.get(stored, "choice")) ?? "auto";
    return typeof jobId === "string" && typeof model === "string" ? { jobId, model, choice } : null;
  } catch {
    return null;
  }
}

/** Gives chunks back even while the page is closed, so that the edge need not wait for their leases to run out. */
function giveBack(jobId: string, holds: readonly Hold[]): void {
  for (const { chunkId, nonce } of holds) {
    const path = `/v1/jobs/${encodeURIComponent(jobId)}/chunks/${chunkId}`;
    const headers = { "content-type": "application/json" };
    // An expired lease is answered by 409; without an answer the lease runs out by itself.
    fetch(path, { method: "DELETE", keepalive: true, headers, body: JSON.stringify({ nonce }) }).catch(() => undefined);
  }
}

/** Provides the session. @param signedIn work from before a reload continues once this is true */
export function ComputeProvider(props: { readonly signedIn: boolean; readonly children: ReactNode }): ReactNode {
  const [state, setState] = useState<ComputeState | null>(null);
  const worker = useRef<Worker | null>(null);
  const latest = useRef<ComputeState | null>(null);
  const show = useCallback((next: ComputeState | null) => {
    latest.current = next;
    setState(next);
  }, []);

  /** Ends the loop wherever it is, and gives back what it holds. */
  const end = useCallback(() => {
    worker.current?.terminate();
    worker.current = null;
    const { current } = latest;
    if (current === null) return;
    giveBack(current.jobId, current.holds);
    show({ ...current, holds: [], waiting: null, returned: current.returned + current.holds.length });
  }, [show]);

  const run = useCallback(
    ({ jobId, model, choice }: Wanted) => {
      end();
      show(beginCompute(jobId, choice));
      const loop = new Worker(new URL("loop-worker.ts", import.meta.url), { type: "module", name: "compute" });
      worker.current = loop;
      const take = (message: LoopReply): void => {
        if (worker.current !== loop || latest.current === null) return;
        show(advance(latest.current, message, performance.now()));
        if (message.kind === "event") return;
        loop.terminate();
        worker.current = null;
        if (message.kind === "failed") noteSignedOut(new ScoringError(message.error.code, message.error.detail));
        // Signed in again: the work continues.
        if (message.kind === "ended" || message.error.code !== "unauthorized") sessionStorage.removeItem(STORED);
      };
      loop.addEventListener("message", ({ data }: MessageEvent<LoopReply>) => take(data));
      loop.addEventListener("error", (event) => {
        const detail = event.message || "the worker could not be loaded";
        take({ kind: "failed", error: { code: "internal", detail } });
      });
      const request: LoopRequest = { kind: "start", jobId, model, choice };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
      loop.postMessage(request);
    },
    [end, show],
  );

  const start = useCallback<ComputeSession["start"]>(
    ({ id, model }, choice) => {
      const wanted: Wanted = { jobId: id, model, choice };
      sessionStorage.setItem(STORED, JSON.stringify(wanted));
      run(wanted);
    },
    [run],
  );
  const stop = useCallback(() => {
    sessionStorage.removeItem(STORED);
    end();
    if (latest.current !== null) show({ ...latest.current, phase: "stopped" });
  }, [end, show]);

  const { signedIn } = props;
  useEffect(() => {
    if (!signedIn) return undefined;
    const resume = (): void => {
      const wanted = readWanted();
      if (wanted !== null && worker.current === null) run(wanted);
    };
    const wake = (): void => {
      const request: LoopRequest = { kind: "wake" };
      if (!document.hidden) worker.current?.postMessage(request);
    };
    resume();
    // A page that is left may come back from the browser's page cache.
    window.addEventListener("pagehide", end);
    window.addEventListener("pageshow", resume);
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    return () => {
      window.removeEventListener("pagehide", end);
      window.removeEventListener("pageshow", resume);
      window.removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      // Signed out.
      end();
    };
  }, [signedIn, run, end]);

  const session = useMemo(() => ({ state, start, stop }), [state, start, stop]);
  return <Context value={session}>{props.children}</Context>;
}
