/** "Compute here": this browser scores chunks of a job, if its reader wants that. */

import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { isEnded, type JobStatus } from "../../../src/scoring/job/job-status.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import { isBundled } from "../engine/bundled-models.ts";
import { ENGINE_NAMES } from "../engine/engine-names.ts";
import { useCompute } from "./compute-session.tsx";
import { type ComputeState, measureRate, type RungState } from "./compute-state.ts";
import { CHOICE_NAMES, describeFailure, describeReturn, describeState } from "./compute-words.ts";
import { type EngineChoice, LADDER } from "./messages.ts";

const CHOICES: readonly EngineChoice[] = ["auto", ...LADDER];

/** The panel of a job that clients may score; nothing for others, or once the job has ended without this tab. */
export function ComputePanel({ job }: { readonly job: JobView }): ReactNode {
  const { state, start, stop } = useCompute();
  const own = state?.jobId === job.id ? state : null;
  const [choice, setChoice] = useState<EngineChoice>(own?.choice ?? "auto");
  const ended = isEnded(job.status);
  if (job.execution === "edge" || (ended && own === null)) return null;
  const isBusy = own?.phase === "starting" || own?.phase === "running";
  const elsewhere = state !== null && own === null && (state.phase === "starting" || state.phase === "running");
  return (
    <section className="card compute" aria-labelledby="compute-title">
      <div className="head">
        <h2 id="compute-title">Compute here</h2>
        {(!ended || isBusy) && isBundled(job.model) && (
          <div className="row">
            <label className="engine-choice">
              <span className="name">Engine</span>
              <select
                value={isBusy ? own.choice : choice}
                disabled={isBusy}
                onChange={(event) => setChoice(CHOICES.find((known) => known === event.target.value) ?? "auto")}
              >
                {CHOICES.map((known) => (
                  <option key={known} value={known}>
                    {CHOICE_NAMES[known]}
                  </option>
                ))}
              </select>
            </label>
            <button
              type="button"
              className={isBusy ? "" : "primary"}
              onClick={() => (isBusy ? stop() : start(job, choice))}
            >
              {isBusy ? "Stop" : "Start"}
            </button>
          </div>
        )}
      </div>
      {own === null ? <Offer job={job} /> : <Work state={own} status={job.status} />}
      {elsewhere && (
        <p className="quiet">
          This browser is scoring <a href={`#/jobs/${state.jobId}`}>another job</a>; starting here stops it there.
        </p>
      )}
    </section>
  );
}

function Offer({ job }: { readonly job: JobView }): ReactNode {
  if (!isBundled(job.model)) {
    return (
      <p className="quiet">
        The console has no weights of {job.model}, which lies in a store of the server:{" "}
        {job.execution === "client"
          ? "once nobody has asked for a while, the server scores this job."
          : "the server scores this job."}
      </p>
    );
  }
  return (
    <p className="quiet">
      This browser can score chunks of this job on its own GPU or cores; the server checks a sample of each.{" "}
      {job.execution === "client"
        ? "If nobody has asked for a while, the server takes over."
        : "The server scores beside it."}
    </p>
  );
}

function Work({ state, status }: { readonly state: ComputeState; readonly status: JobStatus }): ReactNode {
  const online = useOnline();
  const rate = measureRate(state, useClock(state));
  const { failure, lastReturn, waiting, phase } = state;
  const isBusy = phase === "starting" || phase === "running";
  return (
    <>
      <p role="status" data-testid="compute-state">
        {describeState(state, online, status)}
        {isBusy && online && waiting?.error && <span className="quiet"> ({waiting.error.detail})</span>}
      </p>
      {failure !== null && (
        <div className="alert" role="alert">
          <strong>{describeFailure(failure)}</strong> <span className="quiet">({failure.detail})</span>
        </div>
      )}
      <dl className="figures">
        <Figure name="Faces per second" value={rate === null ? "–" : formatRate(rate)} />
        <Figure name="Faces scored" value={formatCount(state.records)} />
        <Figure name="Chunks handed in" value={formatCount(state.chunks)} />
        <Figure name="Chunks in hand" value={formatCount(state.holds.length)} />
        {state.returned > 0 && <Figure name="Given back" value={formatCount(state.returned)} />}
      </dl>
      {lastReturn !== null && failure === null && (
        <p className="quiet">The last chunk that went back: {describeReturn(lastReturn)}.</p>
      )}
      <Ladder rungs={state.rungs} phase={phase} />
    </>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const formatRate = (rate: number): string => (rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate)));

function describeRung(status: RungState["status"], phase: ComputeState["phase"]): string {
  if (status === "left") return "not taken";
  if (status === "taken") return phase === "running" ? "in use" : "used";
  return phase === "starting" ? "to come" : "not needed";
}

/** Best first: which engine scores, and why no better one does. */
function Ladder({ rungs, phase }: Pick<ComputeState, "rungs" | "phase">): ReactNode {
  return (
    <ul className="rungs" aria-label="Engines, best first">
      {rungs.map(({ engine, status, detail }) => (
        <li key={engine} data-engine={engine} data-status={status}>
          <span className={`pill tone-${status === "taken" ? "good" : status === "left" ? "warn" : "idle"}`}>
            {describeRung(status, phase)}
          </span>
          <span>
            <strong>{ENGINE_NAMES[engine]}</strong>
            {detail !== "" && <span className="quiet">: {detail}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => {
      window.addEventListener("online", changed);
      window.addEventListener("offline", changed);
      return () => {
        window.removeEventListener("online", changed);
        window.removeEventListener("offline", changed);
      };
    },
    () => navigator.onLine,
  );
}

/** Now, and again each second while it counts: a rate that nothing follows must not stand. */
function useClock({ phase }: ComputeState): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    if (phase !== "running") return undefined;
    const timer = setInterval(() => setNowMs(performance.now()), 1000);
    return () => clearInterval(timer);
  }, [phase]);
  return nowMs;
}
