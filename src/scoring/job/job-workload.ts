/** A job as far as its price per input goes. */

import type { Manifest } from "../manifest/manifest.ts";
import { findsFaces } from "../records/face-mode.ts";

/** What decides how long one input takes. */
export interface Workload {
  readonly tta: "none" | "flip";
  readonly findsFaces: boolean;
}

/** What decides how long an input of this job takes. */
export function readWorkload(manifest: Pick<Manifest, "tta" | "faces" | "format">): Workload {
  return { tta: manifest.tta, findsFaces: findsFaces(manifest) };
}
