/** The labels of every shipped model: FER2013's seven classes, in the order of its label column (Goodfellow et al. 2013, "Challenges in Representation Learning"). */
export const LABELS: readonly string[] = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"];

/** A label of some model: see `label-set.ts`. */
export type Label = string;

/** Seven. */
export const LABEL_COUNT = LABELS.length;

/** Side of a face of FER2013, and of the square input of every shipped model, pixels. */
export const FACE_SIZE = 48;

/** Bytes of one preprocessed face: 48×48, 8-bit gray, row-major. */
export const FACE_PIXELS = FACE_SIZE * FACE_SIZE;

/** Most values of an embedding. */
export const MAX_EMBEDDING = 4096;

/** Name of a graph's output that describes a face, where it has one. */
export const EMBEDDING = "embedding";
