/* oxlint-disable typescript/no-unsafe-type-assertion -- views as far as the directory reads them */
import fc from "fast-check";
import type { DirectoryBase } from "../../src/jobs/directory-object.ts";
import { type SweptJob, sweepOpenJobs } from "../../src/jobs/sweep-open-jobs.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";

/** Jobs that start, end and fail around sweeps that die, over a real directory. */

/** Taking, sweeping, viewing, telling the list. */
export const CALLS_PER_JOB = 4;

/** Says nothing. */
export const silent = { log: (): void => undefined };

/** What becomes of a job. */
export type Phase = "open" | "ended" | "erasing" | "retained";

/** A view as far as the directory reads it. */
export function makeView(id: string, phase: Phase): JobView {
  const endedAt = phase === "open" ? {} : { completed: "2026-11-25T10:00:00.000Z" };
  const view = {
    id,
    status: phase === "open" ? "running" : "completed",
    times: { running: "2026-11-25T09:00:00.000Z", ...endedAt },
    ...(phase === "erasing" ? { erasure: { status: "running", inputs: 0, failure: null } } : {}),
    ...(phase === "retained" ? { retainUntil: "2026-11-26T10:00:00.000Z" } : {}),
  };
  return view as unknown as JobView;
}

/** The row of jobs, whose turn it is first. */
export const listTurns = (sql: SqlStorage): string[] =>
  sql
    .exec<{ jobId: string }>("SELECT jobId FROM turns ORDER BY turn")
    .toArray()
    .map(({ jobId }) => jobId);

/** One job as the world knows it, and how long it waits by what the property promises. */
interface Waiting {
  phase: Phase;
  /** Jobs in the row when this one took the last place. */
  behind: number;
  /** Whole sweeps since then that left it out. */
  sweeps: number;
}

/** One sweep and what happens before it; numbers choose among the jobs that are there. */
export const round = fc.record({
  started: fc.nat(6),
  ended: fc.array(
    fc.record({ at: fc.nat(), phase: fc.constantFrom<Phase>("ended", "erasing", "retained"), told: fc.boolean() }),
    { maxLength: 4 },
  ),
  failing: fc.array(fc.nat(), { maxLength: 4 }),
  /** The call at which the invocation dies. */
  killedAt: fc.option(fc.nat(30), { freq: 3 }),
});

/** A directory with jobs, swept, and what is wrong about that. */
export class Row {
  /** Broken promises, as sentences. */
  readonly findings: string[] = [];
  readonly jobs = new Map<string, Waiting>();
  readonly #directory: DirectoryBase;
  readonly #sql: SqlStorage;
  #made = 0;

  constructor(directory: DirectoryBase, sql: SqlStorage) {
    this.#directory = directory;
    this.#sql = sql;
    for (const table of ["jobs", "turns", "retained"]) sql.exec(`DELETE FROM ${table}`);
  }

  pick(at: number): string | undefined {
    return [...this.jobs.keys()][at % Math.max(1, this.jobs.size)];
  }

  async start(): Promise<void> {
    this.#made += 1;
    const id = `job-${String(this.#made).padStart(4, "0")}`;
    await this.#directory.update(makeView(id, "open"));
    this.jobs.set(id, { phase: "open", behind: listTurns(this.#sql).length, sweeps: 0 });
  }

  async end(id: string, phase: Phase, told: boolean): Promise<void> {
    const job = this.jobs.get(id);
    if (job === undefined || job.phase !== "open") return;
    job.phase = phase;
    if (!told) return;
    await this.#directory.update(makeView(id, phase));
    if (phase !== "erasing") this.jobs.delete(id);
    // The news of before, late: the job is not open again.
    await this.#directory.update(makeView(id, "open"));
  }

  /** One invocation; every call is counted, and after the fatal one nothing more happens. */
  async sweep(maxJobs: number, failing: ReadonlySet<string>, killedAt: number | null): Promise<void> {
    let calls = 0;
    const call = <T>(answer: () => T): T => {
      calls += 1;
      if (killedAt !== null && calls > killedAt) throw new Error("the invocation was killed");
      return answer();
    };
    const taken: string[] = [];
    const seen = new Set<string>();
    const directory = {
      takeOpenJob: async () => {
        const id = await call(() => this.#directory.takeOpenJob());
        if (id !== null) taken.push(id);
        return id;
      },
      update: async (view: JobView) => call(() => this.#directory.update(view)),
    };
    const openJob = (id: string): SweptJob => ({
      sweep: async () =>
        call(() => {
          seen.add(id);
          if (failing.has(id)) throw new Error("out of reach");
          return null;
        }),
      view: async () => call(() => makeView(id, this.jobs.get(id)?.phase ?? "ended")),
    });
    const isDead = (): boolean => killedAt !== null && calls > killedAt;
    await sweepOpenJobs(directory, openJob, maxJobs, silent).catch((error: unknown) => {
      if (!isDead()) throw error;
    });
    const died = isDead();
    if (!died && calls > CALLS_PER_JOB * maxJobs) this.findings.push(`${calls} calls for ${maxJobs} jobs`);
    // A kill costs one job its turn at most.
    const missed = new Set(taken).size - seen.size;
    if (missed > (died ? 1 : 0)) this.findings.push(`${missed} jobs lost their turn`);
    this.#settle(new Set(taken), died, maxJobs);
  }

  #settle(taken: ReadonlySet<string>, died: boolean, maxJobs: number): void {
    const turns = listTurns(this.#sql);
    for (const [id, job] of this.jobs) {
      if (taken.has(id)) {
        Object.assign(job, { behind: turns.length, sweeps: 0 });
        if (!turns.includes(id)) this.jobs.delete(id);
      } else if (!died) job.sweeps += 1;
      const most = Math.ceil(job.behind / maxJobs);
      if (job.sweeps > most) this.findings.push(`${id} was left out by ${job.sweeps} sweeps, not ${most}`);
    }
  }

  /** Without failures, the row ends as what has not ended. */
  async settleAll(maxJobs: number): Promise<void> {
    for (let left = Math.ceil(listTurns(this.#sql).length / maxJobs) + 1; left > 0; left--) {
      await this.sweep(maxJobs, new Set(), null);
    }
    const open = [...this.jobs].filter(([, { phase }]) => phase === "open" || phase === "erasing").map(([id]) => id);
    const turns = listTurns(this.#sql).sort();
    if (turns.join() !== open.sort().join()) this.findings.push(`the row has ${turns.join()}, open are ${open.join()}`);
  }
}
