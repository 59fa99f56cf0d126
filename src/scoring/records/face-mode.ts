/** Which faces a job scores. */

/**
 * `aligned`: the picture is a face crop; `largest`: the largest face found; `all`: every face, best first; `auto`: `aligned` for pictures of at
 * most 96 pixels on the longer side and rows of FER2013's layout, `largest` for all others.
 */
export const FACE_MODES = ["auto", "aligned", "largest", "all"] as const;
/** One of {@link FACE_MODES}. */
export type FaceMode = (typeof FACE_MODES)[number];

/** Whether a job searches its pictures for faces: with `auto` it may. */
export function findsFaces({ faces, format }: { readonly faces: FaceMode; readonly format: string }): boolean {
  return faces !== "aligned" && format !== "fer2013-csv";
}
