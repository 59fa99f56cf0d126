import type { Api } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { describeJobStatus, isEnded, JOB_STATUS_FACTS } from "../../src/scoring/job/job-status.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { renderLabelTable } from "../label-table.ts";
import { createProgressBar } from "../progress-bar.ts";
import { describeIssue, showText } from "../terminal-text.ts";
import { print, printJson } from "./connection.ts";

/** One line: id, status, counts, and what it waits for: a store, or money. */
export function describeJob(job: JobView): string {
  const { id, name, status, counts, waiting } = job;
  const total = counts.planned ? String(counts.listed) : `${counts.listed}+`;
  const wait = waiting === undefined ? "" : `  waiting for store ${waiting.store} (${waiting.code})`;
  const spent = job.pausedFor === undefined ? "" : `  ${describeSpent(job)}`;
  return `${id}  ${status.padEnd(21)}  ${counts.finished}/${total}${wait}${spent}${name === null ? "" : `  ${showText(name)}`}`;
}

/** Why a paused job does not go on by itself, and what to do. */
function describeSpent(job: JobView): string {
  if (job.pausedFor === "key_budget") return `${describeJobStatus(job)}: resume it next month`;
  return `${describeJobStatus(job)}: $${job.budget?.spent} of $${job.budget?.dollars}; resume it with a larger --budget`;
}

/** The exit code that a job's state means. */
export function chooseExitCode({ status }: JobView): number {
  const { phase, whole } = JOB_STATUS_FACTS[status];
  if (phase !== "ended" || status === "completed") return EXIT_CODES.ok;
  return whole ? EXIT_CODES.withErrors : EXIT_CODES.failed;
}

/** Shows a job's progress to its end, then its labels; sets the exit code. Ctrl-C stops the display, not the job. */
export async function followJob(api: Api, id: string, json: boolean): Promise<void> {
  const bar = createProgressBar(process.stderr);
  let job = await api.readJob(id);
  if (!isEnded(job.status)) {
    const stop = new AbortController();
    const interrupt = (): void => stop.abort();
    process.once("SIGINT", interrupt);
    try {
      for await (const event of api.followJob(id, stop.signal)) {
        job = event.job;
        const { counts, rate, waiting } = job;
        const total = counts.planned ? counts.listed : 0;
        const label = waiting === undefined ? describeJobStatus(job) : `waiting for store ${waiting.store}`;
        bar.update({ finished: counts.finished, total, label, perSecond: waiting === undefined ? rate : null });
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      process.removeListener("SIGINT", interrupt);
      bar.stop();
    }
    if (stop.signal.aborted) {
      process.stderr.write(
        `the job goes on: countenance watch ${id} follows it again, countenance cancel ${id} ends it\n`,
      );
      process.exitCode = EXIT_CODES.interrupted;
      return;
    }
  }
  if (json) printJson(job);
  else {
    if (job.failure !== null) process.stderr.write(`${job.status}: ${showText(job.failure.message)}\n`);
    for (const issue of job.issues) process.stderr.write(`${describeIssue(issue)}\n`);
    for (const warning of job.warnings) process.stderr.write(`warning: ${showText(warning)}\n`);
    const outputs = await api.listOutputs(id);
    if (outputs.some(({ name }) => name === "report.json")) print(renderLabelTable(await api.readReport(id)));
    process.stderr.write(`${describeJob(job)}\n`);
  }
  process.exitCode = chooseExitCode(job);
}
