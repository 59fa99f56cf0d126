/** A job as its event stream tells it. */

import { useEffect, useState } from "react";
import type { ScoringError } from "../../../src/errors.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { api, noteSignedOut } from "../api.ts";
import { patiently } from "../patiently.ts";
import type { RatePoint } from "./rate-line.tsx";

/** The job, why it cannot be followed, and its rate over time. */
export function useJob(id: string) {
  const [job, setJob] = useState<JobView | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  const [rates, setRates] = useState<readonly RatePoint[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        const first = await patiently(() => api.readJob(id, controller.signal), controller.signal, setError);
        setJob(first);
        if (isEnded(first.status)) return;
        for await (const event of api.followJob(id, controller.signal, setError)) {
          // A stream that is resumed tells old events first.
          setJob((before) => (before !== null && isEnded(before.status) ? before : event.job));
          const { rate, counts } = event.job;
          if (rate !== null) setRates((before) => [...before.slice(-300), { finished: counts.finished, rate }]);
        }
      } catch (thrown) {
        if (controller.signal.aborted) return;
        setError(noteSignedOut(thrown));
      }
    };
    void follow();
    return () => controller.abort();
  }, [id]);
  return { job, error, rates, refresh: setJob };
}
