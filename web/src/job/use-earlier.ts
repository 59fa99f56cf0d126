/** The labels of an earlier run, to show those that changed. */

import { useEffect, useState } from "react";
import { readLabelWindow, startLabels, type LabelPosition } from "../../../src/client/label-reader.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { findTopLabel } from "../../../src/scoring/records/records.ts";
import { api, noteSignedOut } from "../api.ts";
import { patiently } from "../patiently.ts";
import { type EarlierLabels, pairBy } from "./flips.ts";

/** Records of the earlier run that are read: as many as the gallery reads at most by two clicks. */
const MAX_READ = 110_000;

/** Labels of the job `id`, once they are all read; `null` before, and where no job is asked for. */
export function useEarlier(id: string | null): {
  readonly earlier: EarlierLabels | null;
  readonly error: ScoringError | null;
} {
  const [earlier, setEarlier] = useState<EarlierLabels | null>(null);
  const [error, setError] = useState<ScoringError | null>(null);
  useEffect(() => {
    setEarlier(null);
    setError(null);
    if (id === null) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const read = async (): Promise<void> => {
      const labels = new Map<string, string>();
      let position: LabelPosition | null = startLabels(await api.readJob(id, signal));
      let count = 0;
      while (position !== null && count < MAX_READ) {
        const from: LabelPosition = position;
        const window = await patiently(() => readLabelWindow(api, id, from, signal), signal, setError);
        for (const { record } of window.records) {
          const label = findTopLabel(record);
          if (label !== null) labels.set(pairBy(record), label);
        }
        count += window.records.length;
        position = window.next;
      }
      setEarlier(labels);
    };
    read().catch((thrown: unknown) => {
      if (!signal.aborted) setError(noteSignedOut(thrown));
    });
    return () => controller.abort();
  }, [id]);
  return { earlier, error };
}
