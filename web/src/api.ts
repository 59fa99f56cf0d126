/** The one client of this page, and hooks around it. */

import { useCallback, useEffect, useState } from "react";
import { createApi } from "../../src/client/api.ts";
import { mayPass, type ScoringError, toScoringError } from "../../src/errors.ts";
import { earlyFetch } from "./early-requests.ts";

/** The page's own server; the session cookie goes along by itself. */
export const api = createApi({ fetch: earlyFetch });

/** What a load has brought so far. */
export interface Loaded<T> {
  readonly value: T | null;
  readonly error: ScoringError | null;
  readonly reload: () => void;
}

/** Fired when a request was refused because there is no session. */
export const SIGNED_OUT = "countenance:signed-out";

/** Loads when `load` changes, and again `everyMs` (the last value decides; `null` never) while the page is visible. */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: (value: T) => number | null = () => null,
): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: ScoringError | null }>({ value: null, error: null });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      let pauseMs: number | null = 5000;
      try {
        if (!document.hidden) {
          const value = await load(controller.signal);
          if (controller.signal.aborted) return;
          setState({ value, error: null });
          pauseMs = everyMs(value);
        }
      } catch (thrown) {
        if (controller.signal.aborted) return;
        const error = noteSignedOut(thrown);
        setState((before) => ({ value: before.value, error }));
        if (error.disposition === "request" && !mayPass(error)) pauseMs = null;
      }
      if (pauseMs !== null) timer = setTimeout(() => void run(), pauseMs);
    };
    void run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- how often follows from the value, not from the function
  }, [load, round]);
  return { ...state, reload };
}

/** What was thrown as our error; the shell is told if it says that the session is over. */
export function noteSignedOut(thrown: unknown): ScoringError {
  const error = toScoringError(thrown);
  if (error.code === "unauthorized") window.dispatchEvent(new Event(SIGNED_OUT));
  return error;
}
