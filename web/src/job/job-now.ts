/** What a running job does at this moment, or what it waits for, in one sentence. */

import { isEnded } from "../../../src/scoring/job/job-status.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import { formatCount, formatTime } from "../../../src/scoring/report/report-format.ts";

type Moment = Pick<JobView, "status" | "chunks" | "open" | "counts" | "execution" | "waiting" | "outranked" | "rate">;

const count = (chunks: number): string => (chunks === 1 ? "1 chunk" : `${formatCount(chunks)} chunks`);

/** The sentence, without a final period; `null` for an ended job. */
export function describeNow(job: Moment): string | null {
  const { status, counts, chunks } = job;
  const { leased } = chunks;
  if (isEnded(status)) return null;
  if (status === "paused") {
    return leased === 0 ? "Paused until somebody resumes it" : `Paused; ${count(leased)} under way will still count`;
  }
  if (status === "cancelling")
    return leased === 0 ? "Canceling" : `Canceling; ${count(leased)} under way will still count`;
  if (status === "finalizing") return "Everything is scored; labels, report and receipt are being written";
  if (job.waiting !== undefined) return `Waits for the store ${job.waiting.store}`;
  if (job.open?.sealedAt === null) return describeOpen(job, job.open);
  if (leased > 0) return `${describeWork(job)}${describeBehind(job)}`;
  if (counts.planned && chunks.pending + chunks.queued > 0) return describeQueue(job);
  return counts.listed === 0 ? "Looks up the pictures" : `Lists the pictures: ${formatCount(counts.listed)} so far`;
}

/** What comes in next is nobody's to know: no chunk is the last. */
function describeOpen(job: Moment, { received, sealBy }: NonNullable<Moment["open"]>): string {
  const cameIn = received === 1 ? "1 picture came in" : `${formatCount(received)} pictures came in`;
  const work = job.chunks.leased > 0 ? `${describeWork(job)}; ` : "";
  return `${work}${work === "" ? "Open" : "open"} for more: ${cameIn} so far; it is sealed by ${formatTime(sealBy)}, or expires`;
}

function describeWork({ chunks: { leased }, execution, outranked }: Moment): string {
  if (outranked) return "One chunk at a time, since a job of a higher priority goes first";
  return `${count(leased)} ${leased === 1 ? "is" : "are"} being scored${execution === "client" ? " in browsers" : ""}`;
}

function describeBehind({ chunks: { pending, queued } }: Moment): string {
  const behind = pending + queued;
  return behind === 0 ? ", the last of the job" : `; ${formatCount(behind)} more to go`;
}

function describeQueue({ execution, outranked, rate, chunks }: Moment): string {
  if (execution === "client")
    return "Waits for a browser that computes; without one the server takes over after a while";
  if (outranked) return "Waits for a job of a higher priority";
  // Between two chunks it waits for a moment only.
  return rate === null ? "Waits for its turn on the server" : `${count(chunks.pending + chunks.queued)} to go`;
}
