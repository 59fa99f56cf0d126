/** The one table of job statuses: what each means to the machine, to a reader and to an exit code. */

/** Every status, in the order in which a job may pass through them. */
export const JOB_STATUSES = [
  "validating",
  "queued",
  "running",
  "paused",
  "cancelling",
  "finalizing",
  "completed",
  "completed_with_errors",
  "failed",
  "cancelled",
  "expired",
] as const;
/** One of {@link JOB_STATUSES}. */
export type JobStatus = (typeof JOB_STATUSES)[number];

/** What a status says. */
export interface JobStatusFacts {
  /** `working`: inputs are planned and scored; `held`: until somebody resumes; `ending`: nothing more is scored; `ended`: nothing can change any more. */
  readonly phase: "working" | "held" | "ending" | "ended";
  /** How well it went; names a color. */
  readonly tone: "good" | "warn" | "bad" | "busy" | "idle";
  /** As a reader says it. */
  readonly words: string;
  /** Whether the job ended with every input accounted for, so that a later run may build on it. */
  readonly whole: boolean;
}

/** Facts by status. */
export const JOB_STATUS_FACTS: Readonly<Record<JobStatus, JobStatusFacts>> = {
  validating: { phase: "working", tone: "busy", words: "validating", whole: false },
  queued: { phase: "working", tone: "busy", words: "queued", whole: false },
  running: { phase: "working", tone: "busy", words: "running", whole: false },
  paused: { phase: "held", tone: "warn", words: "paused", whole: false },
  cancelling: { phase: "ending", tone: "idle", words: "canceling", whole: false },
  finalizing: { phase: "ending", tone: "busy", words: "finalizing", whole: false },
  completed: { phase: "ended", tone: "good", words: "completed", whole: true },
  completed_with_errors: { phase: "ended", tone: "warn", words: "completed with errors", whole: true },
  failed: { phase: "ended", tone: "bad", words: "failed", whole: false },
  cancelled: { phase: "ended", tone: "idle", words: "canceled", whole: false },
  expired: { phase: "ended", tone: "bad", words: "expired", whole: false },
};

/** Why a job that somebody has not paused is: its own budget is used up, or its key's of the month. */
export const SPENT = ["budget", "key_budget"] as const;
/** One of {@link SPENT}. */
export type Spent = (typeof SPENT)[number];

const SPENT_WORDS: Readonly<Record<Spent, string>> = {
  budget: "paused: budget used up",
  key_budget: "paused: the key's budget of the month used up",
};

/** A job's status as a reader says it. */
export function describeJobStatus(job: {
  readonly status: JobStatus;
  readonly pausedFor?: Spent | undefined;
  readonly open?: { readonly sealedAt: string | null } | undefined;
}): string {
  if (job.status === "paused" && job.pausedFor !== undefined) return SPENT_WORDS[job.pausedFor];
  const { words, phase } = JOB_STATUS_FACTS[job.status];
  return job.open?.sealedAt === null && (phase === "working" || phase === "held") ? `open, ${words}` : words;
}

/** True once nothing can change any more. */
export function isEnded(status: JobStatus): boolean {
  return JOB_STATUS_FACTS[status].phase === "ended";
}
