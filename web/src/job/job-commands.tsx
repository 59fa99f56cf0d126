/** What can be asked of a job: seal, pause, resume, cancel, retry, delete. */

import { type ReactNode, useState } from "react";
import type { JobAction } from "../../../src/client/api.ts";
import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { takeFocus } from "../parts.tsx";

/** The buttons of what a job in this state can do. */
export function Commands(props: {
  readonly job: JobView;
  readonly act: (action: JobAction, budget?: number) => void;
  readonly seal: () => void;
  readonly remove: () => void;
}): ReactNode {
  const { job, act, seal, remove } = props;
  const { status, counts } = job;
  const ended = isEnded(status);
  const canPause = ["validating", "queued", "running"].includes(status);
  const [asked, setAsked] = useState<"not yet" | "yes" | "taken back">("not yet");
  return (
    <div className="row">
      {job.open?.sealedAt === null && (canPause || status === "paused") && (
        <button type="button" className="primary" onClick={seal}>
          Seal
        </button>
      )}
      {canPause && (
        <button type="button" onClick={() => act("pause")}>
          Pause
        </button>
      )}
      {job.pausedFor === "budget" && <Raise job={job} act={act} />}
      {status === "paused" && job.pausedFor !== "budget" && (
        <button type="button" className="primary" onClick={() => act("resume")}>
          Resume
        </button>
      )}
      {!ended && status !== "cancelling" && status !== "finalizing" && (
        <button type="button" onClick={() => act("cancel")}>
          Cancel
        </button>
      )}
      {ended && countRetried(job) > 0 && (
        <button type="button" onClick={() => act("retry-failed")}>
          {counts.outcomes.failed + counts.outcomes.skipped > 0 ? "Retry what failed" : "Score what was left"}
        </button>
      )}
      {ended && asked !== "yes" && (
        <button type="button" ref={asked === "taken back" ? takeFocus : null} onClick={() => setAsked("yes")}>
          Delete …
        </button>
      )}
      {ended && asked === "yes" && (
        <button
          type="button"
          className="danger"
          // The button that asked is gone, and the focus with it.
          ref={takeFocus}
          onBlur={() => setAsked("not yet")}
          onKeyDown={(event) => event.key === "Escape" && setAsked("taken back")}
          onClick={remove}
        >
          Delete job and outputs
        </button>
      )}
    </div>
  );
}

/** A job whose budget is used up goes on with a larger one. */
function Raise({
  job,
  act,
}: {
  readonly job: JobView;
  readonly act: (action: JobAction, budget?: number) => void;
}): ReactNode {
  const [text, setText] = useState(String(2 * (job.budget?.dollars ?? 0)));
  const dollars = Number(text);
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        act("resume", dollars);
      }}
    >
      <label className="check">
        New budget, $
        <input inputMode="decimal" size={6} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit" className="primary" disabled={!(dollars > 0)}>
        Resume
      </button>
    </form>
  );
}

/** Inputs that a retry takes up: what a job canceled that failed itself is among them. */
function countRetried({ status, counts: { outcomes } }: JobView): number {
  return outcomes.failed + outcomes.skipped + outcomes.expired + (status === "failed" ? outcomes.cancelled : 0);
}
