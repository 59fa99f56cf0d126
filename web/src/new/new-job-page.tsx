/** The form that makes a manifest, uploads its pictures, asks what it would cost and starts it. */

import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { type Issue, mayPass, type ScoringError } from "../../../src/errors.ts";
import { formatCount } from "../../../src/scoring/report/report-format.ts";
import type { DryRun } from "../../../src/scoring/requests/dry-run.ts";
import { api, noteSignedOut, useLoad } from "../api.ts";
import { Failure, nameTrouble } from "../parts.tsx";
import "../styles/pictures.css";
import { formatBytes } from "../words.ts";
import { type Draft, draftFrom, emptyDraft, makeManifest, MAX_NAMED_OBJECTS, nameUpload } from "./draft.ts";
import type { DroppedFile } from "./dropped-file.ts";
import { UPLOADS } from "./dropped-files.ts";
import { ManifestDiff, useManifest } from "./manifest-diff.tsx";
import { Plan, UnplacedFindings } from "./plan.tsx";
import { UploadSection } from "./place-section.tsx";
import { InputSection, OutputSection, ScoringSection } from "./sections.tsx";
import { type Earlier, EarlierUpload } from "./earlier-upload.tsx";
import { createUploads, type UploadProgress } from "./upload.ts";
import { createJournal, findArrived } from "./upload-journal.ts";

type Step =
  | { readonly kind: "editing" }
  | { readonly kind: "uploading"; readonly progress: UploadProgress }
  | { readonly kind: "checking" | "starting" };

/** The second, and four digits that tell apart what is begun within it, by one person or two. */
const stampNow = (): string =>
  `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}-${crypto.randomUUID().slice(0, 4)}`;

const loadChoices = async (signal: AbortSignal) => {
  const [stores, { models }] = await Promise.all([api.listStores(signal), api.listModels(signal)]);
  return { stores, models };
};

/** Opens every fold around a field. */
function unfold(field: HTMLElement): void {
  for (let fold = field.closest("details"); fold !== null; fold = fold.parentElement?.closest("details") ?? null) {
    fold.open = true;
  }
}

/** `#/new`, or `#/new?from=<job>` to run one again. */
export function NewJobPage({ from }: { readonly from: string | null }): ReactNode {
  const [draft, setDraft] = useState(() => emptyDraft(stampNow()));
  const [files, setFiles] = useState<readonly DroppedFile[]>([]);
  const [step, setStep] = useState<Step>({ kind: "editing" });
  const [plan, setPlan] = useState<DryRun | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  const { value: choices, error: loadError } = useLoad(loadChoices);
  const before = useManifest(from);
  useEffect(() => {
    if (before.value !== null) setDraft(draftFrom(before.value, stampNow()));
  }, [before.value]);
  const [journal] = useState(() => createJournal(window.localStorage, Date.now));
  const [uploads] = useState(() => createUploads(api, journal));
  const [earlier, setEarlier] = useState<Earlier | null>(null);
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
    for (const field of wrong) unfold(field);
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
        const there = await api.planJob({ ...makeManifest(draft, []), input: target });
        // What an earlier page had sent was tidied up since.
        if (there.complete && there.objects < uploads.listArrived(target).size) uploads.forget(target);
        await uploads.send(target, files, stop.current.signal, (progress) => setStep({ kind: "uploading", progress }));
      }
      setStep({ kind });
      const manifest = makeManifest(draft, files);
      if (kind === "checking") setPlan(await api.planJob(manifest));
      else {
        const { id } = await api.submitJob(manifest, crypto.randomUUID());
        journal.forget();
        window.location.hash = `#/jobs/${id}`;
      }
    } catch (thrown) {
      setError(noteSignedOut(thrown));
    } finally {
      setStep({ kind: "editing" });
    }
  };

  /** An upload of these files that another page has begun. */
  const findEarlier = async (taken: readonly DroppedFile[]): Promise<Earlier | null> => {
    const open = journal.read();
    if (open === null || open.prefix === draft.prefix || taken.length === 0) return null;
    const arrived = await findArrived(open, taken);
    return arrived.length === 0 ? null : { open, arrived, of: taken.length };
  };

  const take = (taken: readonly DroppedFile[]): void => {
    setFiles(taken);
    setPlan(null);
    setEarlier(null);
    void findEarlier(taken).then(setEarlier);
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
      <div className="head">
        <h1>{from === null ? "New job" : "Run again"}</h1>
      </div>
      {loadError !== null && <Failure error={loadError} />}
      {before.error !== null && <Failure error={before.error} />}
      {error !== null && (
        <div className="alert" role="alert" tabIndex={-1} ref={summary}>
          <strong>{mayPass(error) ? nameTrouble(error) : "Not accepted:"}</strong> {error.detail}
          <UnplacedFindings issues={issues} />
        </div>
      )}
      <InputSection {...sections} choices={choices} files={files} setFiles={take} />
      {earlier !== null && (
        <EarlierUpload
          earlier={earlier}
          goOn={() => {
            const { store, prefix } = earlier.open;
            uploads.adopt({ store, prefix }, earlier.arrived);
            change({ store, prefix });
            setEarlier(null);
          }}
          begin={() => setEarlier(null)}
        />
      )}
      {tooMany && (
        <p className="finding">Folders can mean something for at most {formatCount(MAX_NAMED_OBJECTS)} pictures.</p>
      )}
      {before.value !== null && <ManifestDiff before={before.value} after={makeManifest(draft, files)} />}
      <section className="card">
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
        <details>
          <summary>More settings</summary>
          <UploadSection {...sections} choices={choices} hasFiles={files.length > 0} clear={() => take([])} />
          <ScoringSection {...sections} choices={choices} />
          <OutputSection {...sections} choices={choices} />
          <details>
            <summary>The manifest that is sent</summary>
            <pre tabIndex={0}>{describeManifest(draft, files)}</pre>
          </details>
        </details>
      </section>
    </form>
  );
}

function describeManifest(draft: Draft, files: readonly DroppedFile[]): string {
  const manifest = makeManifest(draft, files);
  const { objects } = manifest.input;
  if (objects === undefined || objects.length <= 3) return JSON.stringify(manifest, null, 2);
  const shown = { ...manifest, input: { ...manifest.input, objects: objects.slice(0, 3) } };
  return `${JSON.stringify(shown, null, 2)}\n… and ${formatCount(objects.length - 3)} more objects`;
}
