/* oxlint-disable typescript/no-unsafe-type-assertion -- bindings as wrangler.toml makes them */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { DirectoryBase } from "../../src/jobs/directory-object.ts";
import type { JobCoordinatorBase } from "../../src/jobs/job-coordinator-object.ts";
import { sweepRetainedJobs } from "../../src/jobs/sweep-open-jobs.ts";
import { deleteJob, type DeleteJobDeps } from "../../src/scoring/requests/delete-job.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { ADMIN, ask, bucket, follow, makeKey, readPicture } from "./api-client.ts";

/** What is left of a job after it was deleted, by request or by retention: read from bucket and rows themselves. */

interface Bindings {
  readonly JOBS: DurableObjectNamespace<JobCoordinatorBase>;
  readonly DIRECTORY: DurableObjectNamespace<DirectoryBase>;
}
const { JOBS, DIRECTORY } = env as Bindings;
const DAY_MS = 86_400_000;

async function runJob(prefix: string, more: Record<string, unknown> = {}): Promise<JobView> {
  for (const name of ["0", "1", "2"]) await bucket.put(`${prefix}in/${name}.png`, readPicture("grey-48x48.png"));
  const manifest = {
    input: { store: "faces", prefix: `${prefix}in/` },
    output: { store: "faces", prefix: `${prefix}out/`, ...more },
    limits: { chunkSize: 1 },
  };
  const made = await ask<JobView>(ADMIN, "POST", "/v1/jobs", manifest, { "idempotency-key": prefix });
  expect(made.status).toBe(201);
  return follow(ADMIN, made.body.id);
}

async function listOutputs(job: JobView): Promise<string[]> {
  return (await bucket.list({ prefix: job.output.prefix })).objects.map(({ key }) => key);
}

/** Names of the tables that the code made. */
function listTables({ storage }: DurableObjectState): string[] {
  const made = "type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf%' ESCAPE '\\'";
  return storage.sql
    .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE ${made}`)
    .toArray()
    .map(({ name }) => name);
}

/** Tables of the job, empty ones too, and the alarm. */
async function readJobRows(id: string): Promise<{ readonly tables: string[]; readonly alarm: number | null }> {
  return runInDurableObject(JOBS.getByName(id), async (_, state) => ({
    tables: listTables(state),
    alarm: await state.storage.getAlarm(),
  }));
}

/** Tables of the directory that hold the job's id anywhere. */
async function findDirectoryRows(id: string): Promise<string[]> {
  return runInDurableObject(DIRECTORY.getByName("all"), (_, state) =>
    listTables(state).filter((table) =>
      JSON.stringify(state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()).includes(id),
    ),
  );
}

const NOTHING = { tables: [], alarm: null };

const deps = (): DeleteJobDeps & { directory: ReturnType<typeof DIRECTORY.getByName> } => ({
  openJob: (id) => JOBS.getByName(id),
  openStore: () => bucket,
  directory: DIRECTORY.getByName("all"),
});

describe("a deleted job", () => {
  it("leaves nothing in bucket, coordinator and directory but what its owner's day and month count", async () => {
    const job = await runJob("deleted/");
    expect((await listOutputs(job)).length).toBeGreaterThan(5);
    expect(await findDirectoryRows(job.id)).toEqual(["jobs", "requests", "admissions", "spendings"]);
    expect((await readJobRows(job.id)).tables.length).toBeGreaterThan(3);
    expect((await ask(ADMIN, "DELETE", `/v1/jobs/${job.id}`)).status).toBe(204);
    expect(await listOutputs(job)).toEqual([]);
    expect(await readJobRows(job.id)).toEqual(NOTHING);
    expect(await findDirectoryRows(job.id)).toEqual(["admissions", "spendings"]);
    expect((await ask(ADMIN, "DELETE", `/v1/jobs/${job.id}`)).status).toBe(404);
    // The inputs are the caller's own.
    expect((await bucket.list({ prefix: "deleted/in/" })).objects).toHaveLength(3);
  });

  it("is gone as a whole when deleting is repeated after a kill at each of its calls", async () => {
    for (const killed of ["list", "delete", "remove", "erase"]) {
      const job = await runJob(`killed-${killed}/`);
      const whole = deps();
      const die = (): Promise<never> => Promise.reject(new Error(`killed at ${killed}`));
      const dying: DeleteJobDeps = {
        openJob: (id) => {
          const stub = whole.openJob(id);
          return { read: () => stub.read(), erase: () => (killed === "erase" ? die() : stub.erase()) };
        },
        openStore: () => ({
          ...bucket,
          list: (options) => (killed === "list" ? die() : bucket.list(options)),
          delete: (keys) => (killed === "delete" ? die() : bucket.delete(keys)),
        }),
        directory: { remove: (id) => (killed === "remove" ? die() : whole.directory.remove(id)) },
      };
      await expect(deleteJob(dying, job.id)).rejects.toThrow(`killed at ${killed}`);
      await deleteJob(whole, job.id);
      expect(await listOutputs(job)).toEqual([]);
      expect(await readJobRows(job.id)).toEqual(NOTHING);
      expect(await findDirectoryRows(job.id)).toEqual(["admissions", "spendings"]);
    }
  });
});

describe("a job that does not exist", () => {
  it("leaves no object behind that is stored, whatever is asked of it", async () => {
    const id = crypto.randomUUID();
    const asked = [
      ["GET", ""],
      ["GET", "/events"],
      ["GET", "/labels"],
      ["GET", "/verify"],
      ["POST", "/cancel"],
      ["POST", "/canary"],
      ["DELETE", ""],
    ] as const;
    for (const [method, path] of asked) {
      expect([method, path, (await ask(ADMIN, method, `/v1/jobs/${id}${path}`)).status]).toEqual([method, path, 404]);
    }
    const { key } = await makeKey();
    expect((await ask(key, "GET", `/v1/jobs/${id}`)).status).toBe(404);
    expect(await readJobRows(id)).toEqual(NOTHING);
  });
});

describe("retention", () => {
  it("deletes a job when its days are over, and neither earlier nor a job without them", async () => {
    const kept = await runJob("kept/");
    const job = await runJob("retained/", { retentionDays: 2 });
    const endedMs = Date.parse(job.times.completed!);
    expect(job.retainUntil).toBe(new Date(endedMs + 2 * DAY_MS).toISOString());
    expect(kept.retainUntil).toBeUndefined();
    const lines: string[] = [];
    const logger = { log: (_: string, event: string): void => void lines.push(event) };
    await sweepRetainedJobs(deps(), LIMITS, endedMs + 2 * DAY_MS - 1, logger);
    expect((await listOutputs(job)).length).toBeGreaterThan(5);
    await sweepRetainedJobs(deps(), LIMITS, endedMs + 2 * DAY_MS, logger);
    expect(lines).toEqual(["job_retention_ended"]);
    expect(await listOutputs(job)).toEqual([]);
    expect(await readJobRows(job.id)).toEqual(NOTHING);
    expect((await listOutputs(kept)).length).toBeGreaterThan(5);
    expect((await ask(ADMIN, "GET", `/v1/jobs/${kept.id}`)).status).toBe(200);
  });

  it("deletes so many jobs and pages of objects in one sweep; what fails or is larger waits behind the others", async () => {
    const [broken, large, other] = [
      await runJob("broken/", { retentionDays: 1 }),
      await runJob("large/", { retentionDays: 1 }),
      await runJob("other/", { retentionDays: 1 }),
    ];
    let lists = 0;
    const paged: typeof bucket = {
      ...bucket,
      list: async ({ prefix }) => {
        lists += 1;
        return bucket.list({ prefix, limit: 3 });
      },
    };
    const limited: ReturnType<typeof deps> = {
      ...deps(),
      openStore: () => paged,
      openJob: (id) =>
        id === broken.id ? { ...JOBS.getByName(id), read: () => Promise.reject(new Error()) } : JOBS.getByName(id),
    };
    const lines: [string, string][] = [];
    const logger = {
      log: (_: string, event: string, { job }: { job?: string } = {}) => void lines.push([event, job ?? ""]),
    };
    const pages = Math.ceil((await listOutputs(large)).length / 3);
    expect(pages).toBeGreaterThan(3);
    for (let sweep = 0; (await listOutputs(other)).length > 0; sweep++) {
      expect(sweep).toBeLessThan(pages);
      lists = 0;
      await sweepRetainedJobs(
        limited,
        { maxRetainedPerSweep: 2, maxDeletePages: 2 },
        Date.now() + 2 * DAY_MS + sweep * 1000,
        logger,
      );
      expect(lists).toBeLessThanOrEqual(2);
    }
    expect(lines.slice(0, 4)).toEqual([
      ["retention_failed", broken.id],
      ["job_retention_continues", large.id],
      ["job_retention_continues", other.id],
      ["retention_failed", broken.id],
    ]);
    await sweepRetainedJobs(deps(), LIMITS, Date.now() + 9 * DAY_MS, logger);
    for (const { id } of [broken, large, other])
      expect(await findDirectoryRows(id)).toEqual(["admissions", "spendings"]);
  });
});
