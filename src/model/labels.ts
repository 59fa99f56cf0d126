/** FER2013's seven classes, in the order of its label column (Goodfellow et al. 2013, "Challenges in Representation Learning"). */
export const LABELS = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"] as const;

/** One of the seven. */
export type Label = (typeof LABELS)[number];

/** Seven. */
export const LABEL_COUNT = LABELS.length;

/** Side of the square input of every classifier, pixels. */
export const FACE_SIZE = 48;

/** Bytes of one preprocessed face: 48×48, 8-bit gray, row-major. */
export const FACE_PIXELS = FACE_SIZE * FACE_SIZE;
