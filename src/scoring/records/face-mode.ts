/**
 * What a picture is taken for: a face crop already (`aligned`), one with a face to find (`largest`), or one of several (`all`).
 * It decides which records stand for inputs.
 */
export const FACE_MODES = ["aligned", "largest", "all"] as const;
export type FaceMode = (typeof FACE_MODES)[number];
