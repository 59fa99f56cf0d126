/** A job as far as its price per input goes. */

import { type FaceMode, findsFaces } from "../records/face-mode.ts";
import type { JobSpec } from "./job-spec.ts";

/** What decides how long one input takes. */
export interface Workload {
  readonly tta: "none" | "flip";
  /** Which faces are searched; `aligned` where none are. */
  readonly faces: FaceMode;
  /** Multiply-adds of the model for one face; absent: Deep_Emotion's. */
  readonly faceWork?: number;
}

/** What decides how long an input of this job takes. */
export function readWorkload({
  manifest,
  faceWork,
}: {
  readonly manifest: Pick<JobSpec["manifest"], "tta" | "faces" | "format">;
  readonly faceWork?: number | undefined;
}): Workload {
  const { tta, faces, format } = manifest;
  const searched = findsFaces({ faces, format }) ? faces : "aligned";
  return { tta, faces: searched, ...(faceWork === undefined ? {} : { faceWork }) };
}
