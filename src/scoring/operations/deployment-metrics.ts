/** What `GET /metrics` says: what the deployment holds now, and with it the counters of the process, where it is one. */

import type { JobStatus } from "../job/job-status.ts";
import type { Counters, Family } from "./prometheus.ts";
import { renderFamilies } from "./prometheus.ts";
import type { Readiness } from "./readiness.ts";

/** What the list of all jobs adds up to. */
export interface DirectoryTotals {
  /** Jobs that have not ended, by status. */
  readonly openJobs: Readonly<Partial<Record<JobStatus, number>>>;
  /** Dead letters that wait for somebody. */
  readonly deadLetters: number;
}

/** What the text is made of. */
export interface DeploymentFacts {
  readonly version: string;
  readonly readiness: Readiness;
  readonly totals: DirectoryTotals;
  /** `null` where isolates come and go, and a counter of one would say nothing. */
  readonly counters: Counters | null;
}

/** The text for Prometheus. */
export function renderDeployment({ version, readiness, totals, counters }: DeploymentFacts): string {
  const { queue, checks } = readiness;
  return renderFamilies([
    gauge("countenance_info", "The running version, and where jobs and keys are kept", [
      [{ version, jurisdiction: readiness.jurisdiction ?? "" }, 1],
    ]),
    gauge(
      "countenance_ready",
      "Whether a part that jobs need answers, 1 or 0",
      checks.map(({ name, ready }) => [{ check: name }, ready ? 1 : 0]),
    ),
    gauge(
      "countenance_open_jobs",
      "Jobs that have not ended, by status",
      Object.entries(totals.openJobs).map(([status, count]) => [{ status }, count]),
    ),
    gauge("countenance_dead_letters", "Messages that the queue gave up on, not yet sent again", [
      [{}, totals.deadLetters],
    ]),
    ...(queue === null
      ? []
      : [
          gauge("countenance_queue_backlog", "Messages in the queue, delayed ones among them", [[{}, queue.backlog]]),
          gauge("countenance_queue_oldest_seconds", "Age of the oldest message in the queue", [
            [{}, queue.oldestSeconds],
          ]),
        ]),
    ...(counters?.list() ?? []),
  ]);
}

function gauge(name: string, help: string, samples: readonly (readonly [Record<string, string>, number])[]): Family {
  return { name, help, type: "gauge", samples: samples.map(([labels, value]) => ({ labels, value })) };
}
