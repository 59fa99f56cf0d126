/** A job as its event stream tells it, and the newest of its records. */

import { useEffect, useState } from "react";
import { createLiveApi } from "../../../src/client/live-api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import type { LatestRecords } from "../../../src/scoring/requests/latest-records.ts";
import { api, noteSignedOut, patiently } from "../api.ts";
import type { RatePoint } from "./rate-line.tsx";

/** Over the page's own client. */
export const liveApi = createLiveApi(api);

/** The job, why it cannot be followed, and its rate over time. */
export function useJob(id: string) {
  const [job, setJob] = useState<JobView | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  const [rates, setRates] = useState<readonly RatePoint[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        setJob(await patiently(() => api.readJob(id, controller.signal), controller.signal, setError));
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

/** Faces that one look asks for. */
const SHOWN = 16;

/** The newest records of a running job, again when `finished` has moved; the last ones stay where a look fails. */
export function useLatest(id: string, finished: number): LatestRecords | null {
  const [latest, setLatest] = useState<LatestRecords | null>(null);
  useEffect(() => {
    if (finished === 0) return undefined;
    const controller = new AbortController();
    const look = async (): Promise<void> => {
      try {
        const next = await liveApi.readLatest(id, SHOWN, controller.signal);
        // A job that has just ended has none any more.
        if (next.chunk !== null) setLatest(next);
      } catch (thrown) {
        if (!controller.signal.aborted) noteSignedOut(thrown);
      }
    };
    void look();
    return () => controller.abort();
  }, [id, finished]);
  return latest;
}
