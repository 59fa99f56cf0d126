/**
 * The order in which the steps of a picture run. Convolutions in a row, each of the one before, do not run one whole map after the other but band by
 * band of rows, each as far as its input goes: what one writes the next finds in the second cache. Maps keep their places. A later value may lie in the
 * place of the one before the one before it all the same: it is written behind the rows that are still read.
 */

/** Bytes of all rows that one band touches, at most, so that they stay in a second cache of 512 KiB. */
const BAND_BYTES = 384 * 1024;
/** A chain of maps that take less together is not cut. */
const WHOLE_BYTES = 512 * 1024;
const MIN_BAND_ROWS = 4;

/** A convolution that may run band by band: a product, with or without its depthwise convolution. */
export interface BandedLayer {
  readonly input: string;
  readonly output: string;
  readonly residual: string | null;
  /** Rows of the output, and bytes of one. */
  readonly rows: number;
  readonly rowBytes: number;
  /** Whether row `y` of the output reads the input around row `y`. */
  readonly aligned: boolean;
  /** Rows of the input above and below row `y` that row `y` of the output reads. */
  readonly above: number;
  readonly below: number;
}

/** A part of a step: its rows from `from` until before `end`; all of them where `end` is `null`. */
export interface StepPart {
  readonly step: number;
  readonly from: number;
  readonly end: number | null;
}

/** Orders the steps. @param layers what may be cut, by step; others run whole */
export function planBands(layers: readonly (BandedLayer | null)[]): StepPart[] {
  const parts: StepPart[] = [];
  for (let first = 0; first < layers.length;) {
    let end = first + 1;
    while (end < layers.length && follows(layers[end - 1]!, layers[end]!)) end++;
    const chain = layers.slice(first, end);
    parts.push(...cutChain(chain, first));
    first = end;
  }
  return parts;
}

function follows(before: BandedLayer | null, layer: BandedLayer | null): boolean {
  if (before === null || layer === null || !layer.aligned) return false;
  const reads = layer.input === before.output && (layer.residual === null || layer.residual === before.output);
  return reads && layer.rows === before.rows;
}

function cutChain(chain: readonly (BandedLayer | null)[], first: number): StepPart[] {
  const [head] = chain;
  const whole = chain.map((_, i): StepPart => ({ step: first + i, from: 0, end: null }));
  if (head === null || head === undefined || chain.length === 1) return whole;
  const { rows, rowBytes } = head;
  if (2 * rows * rowBytes <= WHOLE_BYTES) return whole;
  const band = Math.max(MIN_BAND_ROWS, Math.floor(BAND_BYTES / (2 * rowBytes)) - chain.length);
  const done = chain.map(() => 0);
  const parts: StepPart[] = [];
  while (done.some((count) => count < rows)) {
    let reach = Math.min(rows, done[0]! + band);
    chain.forEach((layer, i) => {
      const before = chain[i - 1];
      // The layer before reads on that far above what it has done, in the place that this one may write to.
      if (before !== undefined && reach < rows) reach = Math.max(0, reach - Math.max(layer!.below, before!.above));
      const from = done[i]!;
      if (reach > from) parts.push({ step: first + i, from, end: reach });
      done[i] = Math.max(from, reach);
    });
  }
  return parts;
}
