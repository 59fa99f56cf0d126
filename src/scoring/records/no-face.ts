/** The warning of a job whose pictures often show no face. */

/** Share of the inputs without a face above which a job warns. */
const MAX_SHARE = 0.1;

/**
 * The warning, with what to try; `null` if most pictures have a face, or none were searched.
 * @param noFace inputs that ended without a face, of `finished` that have ended
 */
export function describeNoFace(noFace: number, finished: number): string | null {
  if (noFace <= MAX_SHARE * finished) return null;
  const share = ((100 * noFace) / finished).toFixed(0);
  return (
    `no face was found in ${noFace} of ${finished} pictures (${share} %): look at some of them; for small faces try ` +
    `faceDetail "fine" or a smaller minFacePixels, for dark or turned ones minFaceScore 0.4, for face crops faces "aligned"`
  );
}
