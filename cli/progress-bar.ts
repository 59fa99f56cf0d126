/** What a bar shows. */
export interface Progress {
  readonly finished: number;
  /** 0 while it is not known. */
  readonly total: number;
  /** A word for the state, before the bar. */
  readonly label: string;
  readonly perSecond: number | null;
  /** Lines below the bar, on a terminal only. */
  readonly below?: readonly string[];
}

/** A bar on one line of a terminal; without a terminal, one line whenever a tenth more is done. */
export interface ProgressBar {
  update(progress: Progress): void;
  stop(): void;
}

const width = 28;

/** One line: label, bar, counts, rate and remaining time. */
export function formatProgress({ finished, total, label, perSecond }: Progress): string {
  const share = total > 0 ? Math.min(1, finished / total) : 0;
  const filled = Math.round(share * width);
  const bar = "█".repeat(filled) + "░".repeat(width - filled);
  const rate = perSecond === null ? "" : `  ${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`;
  const left =
    perSecond !== null && perSecond > 0 && finished < total
      ? `  ${Math.ceil((total - finished) / perSecond)} s left`
      : "";
  return `${label.padEnd(10)} ${bar} ${finished}/${total}${rate}${left}`;
}

/** Draws on `stream`, which should be standard error: standard output is for data. */
export function createProgressBar(stream: NodeJS.WriteStream): ProgressBar {
  let lastTenth = -1;
  let lastLabel = "";
  /** Lines on the terminal that the next drawing replaces. */
  let drawn = 0;
  return {
    update(progress) {
      if (stream.isTTY) {
        // A line that wraps would be two: the next drawing would replace one of them.
        const lines = [formatProgress(progress), ...(progress.below ?? [])].map((line) =>
          line.slice(0, stream.columns),
        );
        const up = drawn > 1 ? `\x1b[${drawn - 1}A` : "";
        stream.write(`${up}\r\x1b[J${lines.join("\n")}`);
        drawn = lines.length;
        return;
      }
      const tenth = progress.total > 0 ? Math.floor((10 * progress.finished) / progress.total) : -1;
      // A waiting job makes no progress to print.
      if (tenth === lastTenth && (progress.label === lastLabel || lastLabel === "")) return;
      lastTenth = tenth;
      lastLabel = progress.label;
      stream.write(`${formatProgress(progress)}\n`);
    },
    stop() {
      if (drawn > 0) stream.write("\n");
      drawn = 0;
    },
  };
}
