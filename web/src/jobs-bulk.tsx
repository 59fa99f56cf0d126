/** What is done to several jobs of the list at once. */

import { type ReactNode, useState } from "react";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { toScoringError } from "../../src/errors.ts";
import { api, noteSignedOut } from "./api.ts";
import { nameJob } from "./words.ts";

interface Action {
  readonly name: string;
  /** Whether a job can do it now. */
  readonly fits: (job: JobView) => boolean;
  readonly run: (id: string) => Promise<unknown>;
  readonly asksTwice?: boolean;
}

const ACTIONS: readonly Action[] = [
  {
    name: "Pause",
    fits: ({ status }) => ["validating", "queued", "running"].includes(status),
    run: (id) => api.commandJob(id, "pause"),
  },
  { name: "Resume", fits: ({ status }) => status === "paused", run: (id) => api.commandJob(id, "resume") },
  {
    name: "Cancel",
    fits: ({ status }) => !isEnded(status) && status !== "cancelling" && status !== "finalizing",
    run: (id) => api.commandJob(id, "cancel"),
  },
  { name: "Delete", fits: ({ status }) => isEnded(status), run: (id) => api.deleteJob(id), asksTwice: true },
];

/** The bar of the chosen jobs. @param props.done some of it was done: the list is old */
export function BulkBar(props: {
  readonly chosen: readonly JobView[];
  readonly done: () => void;
  readonly close: () => void;
}): ReactNode {
  const { chosen, done, close } = props;
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const [troubles, setTroubles] = useState<readonly string[]>([]);
  const act = async ({ run }: Action, jobs: readonly JobView[]): Promise<void> => {
    setBusy(true);
    setAsked(null);
    const failed: string[] = [];
    // One after the other: each is a few calls of the server's.
    for (const job of jobs) {
      await run(job.id).catch((thrown: unknown) => {
        noteSignedOut(thrown);
        failed.push(`${nameJob(job)}: ${toScoringError(thrown).detail}`);
      });
    }
    setTroubles(failed);
    setBusy(false);
    done();
  };
  return (
    <section className="bulk" aria-label="Chosen jobs">
      <b role="status">{chosen.length === 1 ? "1 job chosen" : `${chosen.length} jobs chosen`}</b>
      {ACTIONS.map((action) => {
        const jobs = chosen.filter(action.fits);
        const isSure = asked === action.name || action.asksTwice !== true;
        return (
          <button
            key={action.name}
            type="button"
            className={asked === action.name ? "danger" : ""}
            disabled={busy || jobs.length === 0}
            onClick={() => (isSure ? void act(action, jobs) : setAsked(action.name))}
          >
            {asked === action.name ? `Delete ${jobs.length} with their outputs` : action.name}
            {jobs.length > 0 && asked !== action.name && <small> {jobs.length}</small>}
          </button>
        );
      })}
      <button type="button" className="plain" onClick={close}>
        Done
      </button>
      {troubles.map((trouble) => (
        <p key={trouble} className="finding" role="alert">
          {trouble}
        </p>
      ))}
    </section>
  );
}
