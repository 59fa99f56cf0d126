import { formatShape, type Tensor } from "../tensor.ts";
import type { NetworkDraft } from "./network-draft.ts";

/**
 * Filters `[outputs, inputs ÷ groups, height, width]` in groups as filters over all channels, zeros where another group's
 * are; depthwise ones stay: no engine but tfjs and the oracle has others.
 * @param fail says what is wrong
 * @throws ScoringError `model_invalid` if the weights would be too many
 */
export function widenGroups(
  { shape, data }: Tensor,
  groups: number,
  draft: NetworkDraft,
  fail: (reason: string) => never,
): Tensor & { readonly groups: number } {
  const [outputs = 0, share = 0, tall = 0, wide = 0] = shape;
  if (groups === 1 || (share === 1 && outputs === groups)) return { shape, data, groups };
  if (!Number.isSafeInteger(groups) || groups < 1 || outputs % groups !== 0) {
    return fail(`its ${outputs} outputs do not go into ${groups} groups`);
  }
  const channels = share * groups;
  const taps = tall * wide;
  const count = outputs * channels * taps;
  if (!Number.isSafeInteger(count)) return fail(`its weights are ${formatShape(shape)} in ${groups} groups`);
  draft.reserve(count);
  const widened = new Float32Array(count);
  for (let o = 0; o < outputs; o++) {
    const first = Math.floor(o / (outputs / groups)) * share;
    widened.set(data.subarray(o * share * taps, (o + 1) * share * taps), (o * channels + first) * taps);
  }
  return { shape: [outputs, channels, tall, wide], data: widened, groups: 1 };
}
