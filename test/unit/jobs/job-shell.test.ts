import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { createJobShell, type JobShell } from "../../../src/jobs/job-shell.ts";
import type { JobStorage } from "../../../src/jobs/sql-port.ts";
import type { Directory } from "../../../src/scoring/job/job-directory.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import type { MetricPoint } from "../../../src/scoring/operations/metrics.ts";
import { makeSpec } from "../../fault/scene.ts";

/** A job's alarm, over a real database and with a scheduler that may forget it: its time passes, and it never fires. */

const { sweepMs } = LIMITS;
let nowMs: number;
let alarmMs: number | null;
let points: MetricPoint[];
let fails: boolean;
let shell: JobShell;

function openStorage(): JobStorage {
  const database = new DatabaseSync(":memory:");
  return {
    sql: {
      exec(query, ...values) {
        if (values.length === 0 && query.includes(";")) {
          database.exec(query);
          return { toArray: () => [], one: () => expect.fail("no row") };
        }
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows are what the query says
        const rows = database.prepare(query).all(...(values as SQLInputValue[])) as never[];
        return { toArray: () => rows, one: () => rows[0]! };
      },
    },
    transactionSync: (body) => body(),
    deleteAll: async () => {},
    getAlarm: async () => alarmMs,
    setAlarm: async (atMs) => {
      alarmMs = atMs;
    },
    deleteAlarm: async () => {
      alarmMs = null;
    },
  };
}

/** Fires the alarm, as its scheduler does: it is not set any more while it runs. */
async function fire(): Promise<void> {
  expect(alarmMs).not.toBeNull();
  nowMs = Math.max(nowMs, alarmMs!);
  alarmMs = null;
  await shell.alarm();
}

const spec = makeSpec();

beforeEach(async () => {
  nowMs = spec.createdMs;
  alarmMs = null;
  points = [];
  fails = false;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that a shell asks of it
  const directory = { update: async () => {}, rank: async () => ({ outranked: false }) } as unknown as Directory;
  shell = createJobShell(openStorage(), {
    queue: { send: async () => {} },
    directory,
    clock: () => nowMs,
    logger: {
      log: () => {
        if (fails) throw new Error("a fault in the midst of a sweep");
      },
    },
    metrics: { write: (more) => void points.push(...more) },
    limits: LIMITS,
  });
  await shell.create(spec);
});

const countLost = (): number => points.filter(({ kind }) => kind === "alarm_lost").length;

async function end(): Promise<void> {
  await shell.command("cancel");
  const ticket = await shell.beginFinalize(0);
  await shell.commitFinalize({ step: 0, attempt: ticket!.attempt, checkpoint: null, done: true });
  expect((await shell.view())?.status).toBe("cancelled");
}

describe("an alarm that should have fired two sweeps ago", () => {
  beforeEach(() => {
    if (alarmMs !== nowMs + sweepMs) throw new Error("no alarm was set");
    nowMs += 3 * sweepMs + 1;
  });

  it.each<[string, () => Promise<unknown>]>([
    ["any event", () => shell.command("pause")],
    ["the hourly sweep", () => shell.sweep()],
    ["somebody who looks", () => shell.view()],
    ["somebody who follows", () => shell.waitEvents(0, 10, 0)],
  ])("is lost: %s sets it again, and counts it", async (_, call) => {
    await call();
    expect(alarmMs).toBe(nowMs + sweepMs);
    expect(countLost()).toBe(1);
    await call();
    expect(countLost()).toBe(1);
  });

  it("is left alone after the job's end", async () => {
    await end();
    alarmMs = spec.createdMs;
    for (const call of [() => shell.sweep(), () => shell.view(), () => shell.waitEvents(0, 10, 0)]) {
      await call();
      expect(alarmMs).toBe(spec.createdMs);
    }
  });
});

describe("an alarm that is late", () => {
  it("is left alone: it may still fire", async () => {
    const set = alarmMs;
    nowMs += 2 * sweepMs;
    await shell.view();
    await shell.command("pause");
    expect(alarmMs).toBe(set);
    expect(countLost()).toBe(0);
  });
});

describe("the alarm itself", () => {
  it("asks for the next while the job goes on, and not after its end", async () => {
    await fire();
    expect(alarmMs).toBe(nowMs + sweepMs);
    await end();
    await fire();
    expect(alarmMs).toBeNull();
  });

  it("asks for the next where a sweep fails midway, but not for a job that has ended", async () => {
    nowMs = spec.createdMs + 86_400_000;
    alarmMs = nowMs;
    fails = true;
    await expect(fire()).rejects.toThrow("a fault");
    expect(alarmMs).toBe(nowMs + sweepMs);
    fails = false;
    await fire();
    const ticket = await shell.beginFinalize(0);
    await shell.commitFinalize({ step: 0, attempt: ticket!.attempt, checkpoint: null, done: true });
    expect((await shell.view())?.status).toBe("expired");
    await fire();
    expect(alarmMs).toBeNull();
  });
});
