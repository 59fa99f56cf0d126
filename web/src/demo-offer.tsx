/** A first job that needs no pictures of one's own: a few samples are uploaded and scored by the server. */

import { type ReactNode, useState } from "react";
import type { ScoringError } from "../../src/errors.ts";
import { api, noteSignedOut } from "./api.ts";
import { loadSamplePictures } from "./sample-pictures.ts";
import { Failure } from "./parts.tsx";

const PREFIX = "demo/";

/** A button that uploads samples and starts a job over them. */
export function DemoOffer(): ReactNode {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  const run = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const [store] = await api.listStores();
      if (store === undefined) return;
      for (const { name, blob } of await loadSamplePictures()) await api.upload(store.name, `${PREFIX}${name}`, blob);
      const job = await api.submitJob({
        name: "demo",
        purpose: "a first look",
        input: { store: store.name, prefix: PREFIX },
        output: { store: store.name, prefix: "out/" },
      });
      window.location.hash = `#/jobs/${job.id}`;
    } catch (thrown) {
      setFailure(noteSignedOut(thrown));
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void run()}>
        {busy ? "Uploading samples …" : "Run the demo job"}
      </button>
      {failure !== null && <Failure error={failure} once />}
    </>
  );
}
