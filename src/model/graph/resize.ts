/** Where the numbers of a resized map come from. */

import type { NodeOf } from "./graph.ts";

/** One position: `(1 − share) · source[low] + share · source[high]`. */
export interface ResizeTap {
  readonly low: number;
  readonly high: number;
  /** 0 … 1. */
  readonly share: number;
}

/**
 * One tap for each position along an axis. `half`: positions are the middles of pixels, as in PyTorch; `aligned`: the
 * first and the last coincide; `corner`: the first do, as in older TensorFlow. Beyond the border lies the border.
 * @param from positions of the source
 * @param to positions of the result
 */
export function listResizeTaps(
  { mode, corners }: Pick<NodeOf<"resize">, "mode" | "corners">,
  from: number,
  to: number,
): ResizeTap[] {
  return Array.from({ length: to }, (_, i) => {
    if (mode === "nearest") {
      const low = Math.min(from - 1, Math.floor(((corners === "half" ? i + 0.5 : i) * from) / to));
      return { low, high: low, share: 0 };
    }
    const aligned = to > 1 ? (i * (from - 1)) / (to - 1) : 0;
    const place = corners === "half" ? ((i + 0.5) * from) / to - 0.5 : corners === "corner" ? (i * from) / to : aligned;
    const inside = Math.max(0, Math.min(from - 1, place));
    const low = Math.floor(inside);
    return { low, high: Math.min(from - 1, low + 1), share: inside - low };
  });
}
