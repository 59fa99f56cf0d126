/** The jobs of a server: each with a shell over its own file, made when it is asked for, and the alarms that wake them. */

import { createJobShell, type JobShell, type JobShellDeps } from "../jobs/job-shell.ts";
import type { Logger } from "../log.ts";
import type { JobFiles } from "./job-files.ts";

/** All jobs of one data folder. */
export interface Jobs {
  /** @throws ScoringError `not_found` for what cannot be the id of a job */
  open(jobId: string): JobShell;
  /** Tells that an alarm was set. */
  alarmSet(atMs: number): void;
  /** Stops the alarms; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/** A timer further away than this would overflow, and clocks are set. */
const MAX_WAIT_MS = 60_000;

/** Opens the jobs; their alarms go off from now on. @param retryMs an alarm whose job failed goes off again after this time */
export function openJobs(files: () => JobFiles, deps: JobShellDeps, retryMs: number): Jobs {
  const { clock } = deps;
  // One shell per job for as long as anybody holds it: whoever waits for its events waits at the shell.
  const shells = new Map<string, WeakRef<JobShell>>();
  const forget = new FinalizationRegistry<string>((jobId) => {
    if (shells.get(jobId)?.deref() === undefined) shells.delete(jobId);
  });
  let timer: NodeJS.Timeout | undefined;
  let timerMs = Infinity;
  let ringing: Promise<void> | null = null;
  let isStopped = false;

  function open(jobId: string): JobShell {
    const known = shells.get(jobId)?.deref();
    if (known !== undefined) return known;
    const shell = createJobShell(files().open(jobId), deps);
    shells.set(jobId, new WeakRef(shell));
    forget.register(shell, jobId);
    return shell;
  }

  function wait(atMs: number): void {
    if (isStopped || ringing !== null || atMs >= timerMs) return;
    clearTimeout(timer);
    timerMs = atMs;
    timer = setTimeout(ring, Math.min(MAX_WAIT_MS, Math.max(0, atMs - clock())));
  }

  function ring(): void {
    timerMs = Infinity;
    ringing = ringAll(files(), open, deps.logger, clock, retryMs, () => isStopped).finally(() => {
      ringing = null;
      const nextMs = isStopped ? null : files().nextAlarm();
      if (nextMs !== null) wait(nextMs);
    });
  }

  // Alarms that were set before this process.
  setImmediate(() => {
    if (!isStopped) ring();
  });
  return {
    open,
    alarmSet: wait,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await ringing;
    },
  };
}

async function ringAll(
  files: JobFiles,
  open: (jobId: string) => JobShell,
  logger: Logger,
  clock: () => number,
  retryMs: number,
  isStopped: () => boolean,
): Promise<void> {
  while (!isStopped()) {
    const alarm = files.takeAlarm(clock(), retryMs);
    if (alarm === null) return;
    try {
      await open(alarm.jobId).alarm();
      files.settleAlarm(alarm);
    } catch (error) {
      logger.log("error", "alarm_failed", { job: alarm.jobId, error });
    }
  }
}
