import { EXIT_CODES } from "../exit-codes.ts";
import { createProgressBar } from "../progress-bar.ts";
import { createLabelTally, type LabelCounts, type LabelTally } from "./label-tally.ts";
import type { BegunRun, LocalJobOptions, LocalWatcher } from "./local-job.ts";

const WIDTH = 28;

/** A line per label: its count so far, its share, and a bar. */
export function formatLabels(counts: LabelCounts): readonly string[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  const widest = Math.max(...counts.values());
  const longest = Math.max(9, ...[...counts.keys()].map((label) => label.length));
  return [...counts].map(([label, count]) => {
    const share = `${((100 * count) / total).toFixed(1)} %`;
    return `  ${label.padEnd(longest)} ${String(count).padStart(7)} ${share.padStart(8)}  ${"█".repeat(Math.round((WIDTH * count) / widest))}`;
  });
}

/** What is shown of a run on standard error. */
export interface ScoreProgress extends Required<Pick<LocalJobOptions, "begun" | "watcher">> {
  stop(): void;
}

/**
 * Progress of a run, and on a terminal the labels so far. At Ctrl-C it says how the run goes on, and ends the process.
 * @param quiet only the latter
 */
export function showProgress(quiet: boolean): ScoreProgress {
  const { stderr } = process;
  const bar = quiet ? null : createProgressBar(stderr);
  let tally: LabelTally | null = null;
  let line = "";
  const interrupt = (): void => {
    bar?.stop();
    stderr.write(`stopped${line}: the same command with --resume goes on there\n`);
    // What was scored is on the disk.
    process.exit(EXIT_CODES.interrupted);
  };
  process.once("SIGINT", interrupt);
  const watcher: LocalWatcher = {
    progressed({ counts, status, rate }, done) {
      const { listed, planned } = counts;
      const finished = Math.min(counts.finished + done, listed);
      if (listed > 0) line = ` at ${finished} of ${listed}${planned ? "" : " or more"}`;
      const below = tally === null ? [] : formatLabels(tally.counts);
      bar?.update({ finished, total: planned ? listed : 0, label: status, perSecond: rate, below });
    },
    finished: (chunkId) => void tally?.add(chunkId),
  };
  return {
    begun(run: BegunRun) {
      if (stderr.isTTY && !quiet) tally = createLabelTally((chunkId) => run.readPart(chunkId), run.labels);
      for (const chunkId of run.finished) void tally?.add(chunkId);
      if (quiet) return;
      if (run.resumed) stderr.write("going on with the run that stopped\n");
      else if (run.unfinished) stderr.write("an earlier run of this stopped: --resume goes on with it\n");
    },
    watcher,
    stop() {
      process.removeListener("SIGINT", interrupt);
      bar?.stop();
    },
  };
}
