/** The form that makes a manifest, uploads its pictures, asks what it would cost and starts it. */

import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { type Issue, mayPass, type ScoringError } from "../../../src/errors.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import type { DryRun } from "../../../src/scoring/requests/dry-run.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { Failure, nameTrouble } from "../parts.tsx";
import { formatBytes, formatDuration } from "../words.ts";
import { type Draft, emptyDraft, makeManifest, MAX_NAMED_OBJECTS, nameUpload } from "./draft.ts";
import { type DroppedFile, UPLOADS } from "./dropped-files.ts";
import { listFindings } from "./fields.tsx";
import { InputSection, OutputSection, ScoringSection } from "./sections.tsx";
import { createUploads, type UploadProgress } from "./upload.ts";

type Step =
  | { readonly kind: "editing" }
  | { readonly kind: "uploading"; readonly progress: UploadProgress }
  | { readonly kind: "checking" | "starting" };

const stampNow = (): string => new Date().toISOString().slice(0, 19).replaceAll(":", "-");

const loadChoices = async (signal: AbortSignal) => {
  const [stores, { models }] = await Promise.all([api.listStores(signal), api.listModels(signal)]);
  return { stores, models };
};

/** `#/new`. */
export function NewJobPage(): ReactNode {
  const [draft, setDraft] = useState(() => emptyDraft(stampNow()));
  const [files, setFiles] = useState<readonly DroppedFile[]>([]);
  const [step, setStep] = useState<Step>({ kind: "editing" });
  const [plan, setPlan] = useState<DryRun | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  const { value: choices, error: loadError } = useLoad(loadChoices);
  const [uploads] = useState(() => createUploads(api));
  const stop = useRef(new AbortController());
  const summary = useRef<HTMLDivElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setPlan(null);
  }, []);
  useEffect(() => {
    const store = choices?.stores[0]?.name;
    if (store !== undefined)
      setDraft((before) => (before.store === "" ? { ...before, store, outputStore: store } : before));
  }, [choices]);
  useEffect(() => {
    const { current } = form;
    if (error === null || current === null) return;
    const wrong = [...current.querySelectorAll<HTMLElement>('[aria-invalid="true"]')];
    for (const field of wrong) field.closest("details")?.setAttribute("open", "");
    (wrong[0] ?? summary.current)?.focus();
  }, [error]);
  useEffect(() => {
    // Made here: an effect may run twice, and an aborted controller stays so.
    const controller = new AbortController();
    stop.current = controller;
    return () => controller.abort();
  }, []);

  const isUpload = draft.source === "upload";
  const tooMany = isUpload && draft.folders !== "nothing" && files.length > MAX_NAMED_OBJECTS;
  const issues: readonly Issue[] = error?.issues ?? [];
  const busy = step.kind !== "editing";
  const ready = (!isUpload || files.length > 0) && !tooMany && choices !== null && !busy;

  /** Pictures are uploaded once, then the manifest is checked or sent. */
  const act = async (kind: "checking" | "starting"): Promise<void> => {
    setError(null);
    try {
      if (isUpload) {
        const target = { store: draft.store, prefix: draft.prefix };
        // A wrong manifest is reported before a thousand pictures are sent.
        await api.planJob({ ...makeManifest(draft, []), input: target });
        await uploads.send(target, files, stop.current.signal, (progress) => setStep({ kind: "uploading", progress }));
      }
      setStep({ kind });
      const manifest = makeManifest(draft, files);
      if (kind === "checking") setPlan(await api.planJob(manifest));
      else window.location.hash = `#/jobs/${(await api.submitJob(manifest, crypto.randomUUID())).id}`;
    } catch (thrown) {
      setError(noteSignedOut(thrown));
    } finally {
      setStep({ kind: "editing" });
    }
  };

  const take = (taken: readonly DroppedFile[]): void => {
    setFiles(taken);
    setPlan(null);
    // The job reads all that lies there: what was taken back must not be among it.
    const kept = new Set(taken);
    const arrived = [...uploads.listArrived({ store: draft.store, prefix: draft.prefix })];
    if (arrived.some((file) => !kept.has(file))) change({ prefix: nameUpload(stampNow()) });
  };

  const sections = { draft, change, issues };
  return (
    <form
      className="new-job"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        void act("starting");
      }}
    >
      <h1>New job</h1>
      {loadError !== null && <Failure error={loadError} />}
      {error !== null && (
        <div className="alert" role="alert" tabIndex={-1} ref={summary}>
          <strong>{mayPass(error) ? nameTrouble(error) : "Not accepted:"}</strong> {error.detail}
          <UnplacedFindings issues={issues} />
        </div>
      )}
      <InputSection {...sections} choices={choices} files={files} setFiles={take} />
      {tooMany && (
        <p className="finding">Folders can mean something for at most {formatCount(MAX_NAMED_OBJECTS)} pictures.</p>
      )}
      <ScoringSection {...sections} choices={choices} />
      <OutputSection {...sections} choices={choices} />
      <section className="card">
        <details>
          <summary>The manifest that is sent</summary>
          <pre tabIndex={0}>{describeManifest(draft, files)}</pre>
        </details>
        {plan !== null && <Plan plan={plan} />}
        {step.kind === "uploading" && (
          <p role="status">
            Uploading: {formatCount(step.progress.done)} of {formatCount(step.progress.total)} files,{" "}
            {formatBytes(step.progress.bytes)}
            <progress max={step.progress.total} value={step.progress.done} aria-label="Upload" />
            {step.progress.trouble !== null && (
              <span className="finding">
                {nameTrouble(step.progress.trouble)} {step.progress.trouble.detail}. The upload continues by itself.
              </span>
            )}
          </p>
        )}
        <div className="row">
          <button type="submit" className="primary" disabled={!ready}>
            {step.kind === "starting" ? "Starting …" : "Start the job"}
          </button>
          <button type="button" disabled={!ready} onClick={() => void act("checking")}>
            {step.kind === "checking" ? "Checking …" : "Check and estimate"}
          </button>
          {isUpload && files.length === 0 && <span className="quiet">Add {UPLOADS[draft.format].one}s first.</span>}
        </div>
      </section>
    </form>
  );
}

/** Places that have a field of their own, where the finding is shown. */
const PLACES = [
  "name",
  "purpose",
  "input.store",
  "input.prefix",
  "input.manifest",
  "format",
  "faces",
  "tta",
  "model",
  "groupBy",
  "minGroupSize",
  "output.store",
  "output.prefix",
  "limits.chunkSize",
  "limits.maxConcurrency",
  "limits.errorThreshold",
  "notify",
];

function UnplacedFindings({ issues }: { readonly issues: readonly Issue[] }): ReactNode {
  const placed = new Set(PLACES.flatMap((path) => listFindings(issues, path)));
  const rest = issues.filter((issue) => !placed.has(issue));
  if (rest.length === 0) return null;
  return (
    <ul>
      {rest.map(({ path, line, column, message }) => (
        <li key={`${path} ${line} ${message}`}>
          <code>{path}</code>
          {line !== undefined && ` line ${line}${column === undefined ? "" : `, column ${column}`}`}: {message}
        </li>
      ))}
    </ul>
  );
}

function describeManifest(draft: Draft, files: readonly DroppedFile[]): string {
  const manifest = makeManifest(draft, files);
  const { objects } = manifest.input;
  if (objects === undefined || objects.length <= 3) return JSON.stringify(manifest, null, 2);
  const shown = { ...manifest, input: { ...manifest.input, objects: objects.slice(0, 3) } };
  return `${JSON.stringify(shown, null, 2)}\n… and ${formatCount(objects.length - 3)} more objects`;
}

function Plan({ plan }: { readonly plan: DryRun }): ReactNode {
  return (
    <div role="status" className="plan">
      <dl className="figures">
        <div>
          <dt>Pictures</dt>
          <dd>
            {formatCount(plan.objects)}
            {plan.complete ? "" : " or more"}
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{plan.bytes === 0 && plan.objects > 0 ? "not known yet" : formatBytes(plan.bytes)}</dd>
        </div>
        <div>
          <dt>Chunks</dt>
          <dd>{formatCount(plan.chunks)}</dd>
        </div>
        <div>
          <dt>CPU, estimated</dt>
          <dd>{formatDuration(plan.estimate.cpuMs / 1000)}</dd>
        </div>
        <div>
          <dt>Cost, estimated</dt>
          <dd>${plan.estimate.dollars.toFixed(plan.estimate.dollars < 1 ? 4 : 2)}</dd>
        </div>
      </dl>
      {plan.warnings.map((warning) => (
        <p key={warning} className="finding">
          {warning}
        </p>
      ))}
      <p className="quiet">The manifest is valid; nothing was started.</p>
    </div>
  );
}
