/** What differs from the job that is run again. */

import { type ReactNode, useCallback } from "react";
import type { ManifestInput } from "../../../src/client/api.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { OUTPUT_NAMES } from "../../../src/scoring/keys.ts";
import { api, type Loaded, useLoad } from "../api.ts";

/** The manifest of an ended job, from its run lock; `null` without one. */
export function useManifest(from: string | null): Loaded<ManifestInput | null> {
  const load = useCallback(
    async (signal: AbortSignal): Promise<ManifestInput | null> => {
      if (from === null) return null;
      const { bytes } = await api.readOutput(from, OUTPUT_NAMES.runLock, 0, LIMITS.maxManifestBytes, signal);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server wrote it, and checks what is sent again
      const lock = JSON.parse(new TextDecoder().decode(bytes)) as { manifest: { content: ManifestInput } };
      return lock.manifest.content;
    },
    [from],
  );
  return useLoad(load);
}

/** Places of a manifest with their values as text, but for what an absent value stands for. */
function flatten(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, part] of Object.entries(value)) flatten(part, path === "" ? name : `${path}.${name}`, into);
  } else if (value !== undefined && value !== null) {
    into.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
  return into;
}

/** Long values, of lists for instance, are cut. */
const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)} …` : text);

/** One row per setting that was changed. */
export function ManifestDiff(props: { readonly before: ManifestInput; readonly after: ManifestInput }): ReactNode {
  const before = flatten(props.before, "", new Map());
  const after = flatten(props.after, "", new Map());
  // What the form does not say keeps the server's default, as it did in the job before.
  const changed = [...after].filter(([path, value]) => before.get(path) !== value);
  return (
    <section className="card">
      <h2>What is different this time</h2>
      {changed.length === 0 ? (
        <p className="quiet">Nothing: the same pictures, the same settings.</p>
      ) : (
        <table className="text diff">
          <thead>
            <tr>
              <th scope="col">Setting</th>
              <th scope="col">Before</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {changed.map(([path, value]) => (
              <tr key={path}>
                <th scope="row">{path}</th>
                <td>
                  <del>{shorten(before.get(path) ?? "–")}</del>
                </td>
                <td>
                  <ins>{shorten(value)}</ins>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
