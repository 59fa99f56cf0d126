import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { NOTICE_DELAYS_SECONDS } from "../../../../src/scoring/job/notice.ts";
import { jobFolder } from "../../../../src/scoring/keys.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { DEFAULT_ALERT_MARKS } from "../../../../src/scoring/report/alert-marks.ts";
import { deleteReview, readDesign } from "../../../../src/scoring/review/review-store.ts";
import { settleNotice, writeAlertMail } from "../../../../src/scoring/schedules/alert-notice.ts";
import { judgeSchedule } from "../../../../src/scoring/schedules/judge-runs.ts";
import { lookAtSchedule } from "../../../../src/scoring/schedules/look-at-schedule.ts";
import { type LookState, NO_LOOK } from "../../../../src/scoring/schedules/schedule-look.ts";
import { createScenes, DAY_MS, dueOf, jobOf, type Scene, type Sent } from "./look-scene.ts";

/** What follows a run: its review, its alerts, and telling of them, whatever fails in between. */

const folder = await mkdtemp(join(tmpdir(), "countenance-looks-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
const createScene = createScenes(folder);
let scene: Scene;

const review = { perRun: 60, by: null, readers: ["anna"] };
/** Half of a later night's pictures. */
const isNew = (index: number): boolean => index >= 150;
const makeNotice = (id: string) => ({ id, url: "", payload: "", attempt: 0, dueMs: 0 });
const soon = (night: number): number => dueOf(night) + 5 * 60_000;

interface Payload {
  readonly type: string;
  readonly data: {
    readonly schedule: { readonly id: string; readonly name: string };
    readonly alerts: readonly { readonly subject: string; readonly text: string; readonly dueAt: string }[];
    readonly email: { readonly subject: string; readonly text: string };
  };
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by what follows
const read = ({ payload }: Sent): Payload => JSON.parse(payload) as Payload;
const readReviews = async () => (await scene.directory.readScheduleLook("s")).reviews;
/** What the schedule's page and `schedule check` say. */
async function judge() {
  const record = (await scene.directory.readSchedule("s"))!;
  const runs = await scene.directory.listScheduleRuns("s", LIMITS.maxScheduleRuns);
  return judgeSchedule(scene.deps, record, runs, await readReviews());
}

beforeEach(async () => {
  scene = createScene();
  await scene.addSchedule();
});

describe("alerts", () => {
  beforeEach(async () => {
    for (const night of [0, 1, 2]) {
      await scene.addNight(night, { noFace: 6 });
      await scene.look(soon(night));
    }
  });

  it("come by themselves, in one webhook, with a text to mail", async () => {
    expect(scene.sent).toEqual([]);
    await scene.addNight(3, { noFace: 81 });
    await scene.look(soon(3));
    expect(scene.sent).toMatchObject([{ url: "https://receiver.example/hook", id: "s.1", keyId: "owner" }]);
    const { type, data } = read(scene.sent[0]!);
    expect(type).toBe("schedule.alert");
    expect(data.schedule).toEqual({ id: "s", name: "nightly" });
    const text = "27\u00a0% of the pictures have no found face; the usual is 2\u00a0%.";
    expect(data.alerts).toMatchObject([{ subject: "No face", text, dueAt: new Date(dueOf(3)).toISOString() }]);
    expect(data.email.subject).toBe(`nightly: ${text}`);
    expect(data.email.text).toContain(`Run of 2026-11-23 02:30 UTC\n- No face: ${text}\nJob job-3`);
    // Once.
    await scene.directory.wantScheduleLook("s", soon(3));
    await scene.look(soon(3) + 1000);
    expect(scene.sent).toHaveLength(1);
    expect((await judge()).alerts).toMatchObject([{ subject: "No face" }]);
  });

  it("tell of a run that failed, and of one that cost far more than usual", async () => {
    await scene.addNight(3, { status: "failed" });
    await scene.look(soon(3));
    await scene.addNight(4, { dollars: 12 });
    await scene.look(soon(4));
    const subjects = scene.sent.map((one) => read(one).data.alerts.map(({ subject }) => subject));
    expect(subjects).toEqual([["Run"], ["Cost"]]);
  });

  it("are tried again for half a day under the same id, then given up and told as that", async () => {
    scene.trouble.receiver = true;
    await scene.addNight(3, { noFace: 81 });
    let nowMs = soon(3);
    await scene.look(nowMs);
    for (const seconds of NOTICE_DELAYS_SECONDS) {
      expect(await scene.look(nowMs + seconds * 1000 - 1)).toBeNull();
      nowMs += seconds * 1000;
      expect((await scene.look(nowMs))?.failed).toMatchObject([{ id: "s.1" }]);
    }
    expect(await scene.directory.readScheduleLook("s")).toMatchObject({ notices: [], givenUp: 1 });
    expect(await scene.look(nowMs + DAY_MS)).toBeNull();
    // The next alert has an id of its own.
    scene.trouble.receiver = false;
    await scene.addNight(4, { noFace: 150 });
    await scene.look(nowMs + DAY_MS);
    expect(scene.sent.map(({ id }) => id)).toEqual(["s.2"]);
  });

  it("go under the same id again where a look died between sending and writing that down", async () => {
    await scene.addNight(3, { noFace: 81 });
    let writes = 0;
    const schedules: typeof scene.directory = {
      ...scene.directory,
      async writeScheduleLook(...args) {
        if ((writes += 1) === 2) throw new Error("killed");
        return scene.directory.writeScheduleLook(...args);
      },
    };
    const look = (await scene.directory.takeScheduleLook(soon(3), LIMITS.lookLeaseMs))!;
    await expect(lookAtSchedule({ ...scene.deps, schedules }, look, soon(3))).rejects.toThrow("killed");
    await scene.look(soon(3) + 5000);
    expect(scene.sent.map(({ id }) => id)).toEqual(["s.1", "s.1"]);
    expect(scene.sent[0]!.payload).toBe(scene.sent[1]!.payload);
  });

  it("are not told twice by two looks at once, and no run is missed that ends during a look", async () => {
    await scene.addNight(3, { noFace: 81 });
    const look = (await scene.directory.takeScheduleLook(soon(3), LIMITS.lookLeaseMs))!;
    await scene.addNight(4, { noFace: 150 });
    const both = await Promise.all([
      lookAtSchedule(scene.deps, look, soon(3)),
      lookAtSchedule(scene.deps, look, soon(3)),
    ]);
    expect(both.filter((one) => one === null)).toHaveLength(1);
    expect(scene.sent).toHaveLength(1);
    // What asked meanwhile is looked at at once.
    expect(await scene.look(soon(3))).not.toBeNull();
    const told = scene.sent.flatMap((one) => read(one).data.alerts.map(({ dueAt }) => dueAt));
    expect(told.toSorted()).toEqual([3, 4].map((night) => new Date(dueOf(night)).toISOString()));
  });

  it("are neither looked for nor sent where they are switched off, and go where the schedule says", async () => {
    const known = (await scene.directory.readSchedule("s"))!;
    const off = { ...DEFAULT_ALERT_MARKS, enabled: false };
    await scene.directory.replaceSchedule({ ...known, revision: 2, alerts: off }, null);
    await scene.addNight(3, { noFace: 81 });
    await scene.look(soon(3));
    expect([scene.sent, (await judge()).alerts]).toEqual([[], []]);
    const there = { ...DEFAULT_ALERT_MARKS, url: "https://elsewhere.example/" };
    await scene.directory.replaceSchedule({ ...known, revision: 3, alerts: there }, null);
    await scene.addNight(4, { noFace: 150 });
    await scene.look(soon(4));
    // The night that passed while they were off is not brought up again.
    expect(scene.sent.map((one) => [one.url, read(one).data.alerts.length])).toEqual([
      ["https://elsewhere.example/", 1],
    ]);
  });
});

describe("a nightly review", () => {
  it("is drawn from the night's new pictures; those of before stay as they are", async () => {
    await scene.addNight(0, { review });
    await scene.look(soon(0));
    await scene.addNight(1, { review, isNew });
    await scene.look(soon(1));
    const designs = await Promise.all(
      [0, 1].map((night) => readDesign(scene.store, jobFolder("out", jobOf(night)), LIMITS)),
    );
    expect(designs.map((design) => [design!.faces.length, design!.readers, design!.newOnly])).toEqual([
      [60, ["anna"], true],
      [60, ["anna"], true],
    ]);
    const populations = designs.map((design) => design!.strata.reduce((sum, { population }) => sum + population, 0));
    expect(populations).toEqual([300, 150]);
    expect(designs[1]!.faces.every((face) => isNew(face!.item.index))).toBe(true);
    // The chance of each face is known, and greater where the model is less sure.
    const chances = designs[0]!.strata.map(({ allocated, population }) => allocated / population);
    expect(Math.min(...chances)).toBeGreaterThan(0);
  });

  it("is told while it waits for readers, and lost to no later night", async () => {
    await scene.addNight(0, { review });
    await scene.look(soon(0));
    await scene.answer(0, () => true, 12);
    expect((await judge()).alerts).toEqual([]);
    await scene.addNight(1, { review, isNew });
    await scene.look(soon(1));
    const text = "12 of the 60 faces of this run's review were read, and a later run has ended.";
    expect(scene.sent.map((one) => read(one).data.alerts)).toMatchObject([[{ subject: "Review", text }]]);
    await scene.addNight(2, { review, isNew });
    await scene.look(soon(2));
    // Of each night once; what waits stands in the schedule's own list until it is read.
    const told = scene.sent.flatMap((one) => read(one).data.alerts.map(({ dueAt }) => dueAt));
    expect(told).toEqual([0, 1].map((night) => new Date(dueOf(night)).toISOString()));
    expect((await judge()).alerts).toHaveLength(2);
    await scene.answer(0, () => true);
    await scene.answer(1, () => true);
    expect((await judge()).alerts).toEqual([]);
    expect((await readReviews()).map(({ drawn }) => drawn)).toEqual([60, 60, 60]);
  });

  it("shows drift of the accuracy itself, and tells it once", async () => {
    for (const night of [0, 1, 2]) {
      await scene.addNight(night, { review, isNew });
      await scene.look(soon(night));
      await scene.answer(night, (at) => at % 10 < (night < 2 ? 8 : 3));
      await scene.look(soon(night) + DAY_MS / 2);
    }
    const reviews = await readReviews();
    expect(reviews.map(({ result }) => result!.accuracy.value > 0.6)).toEqual([true, true, false]);
    const told = scene.sent.flatMap((one) => read(one).data.alerts);
    expect(told).toMatchObject([{ subject: "Accuracy", dueAt: new Date(dueOf(2)).toISOString() }]);
    expect(told[0]!.text).toMatch(/^The model is right for .* the 2 reviews before said/);
  });

  it("keeps its figures where it is deleted, with its job or alone, and waits for nobody then", async () => {
    await scene.addNight(0, { review });
    await scene.look(soon(0));
    await scene.answer(0, () => true, 50);
    await scene.look(soon(0) + DAY_MS / 2);
    await deleteReview(scene.store, jobFolder("out", jobOf(0)));
    await scene.addNight(1);
    await scene.look(soon(1));
    expect(await readReviews()).toMatchObject([{ drawn: 50, seen: 50, result: { answered: 50 } }]);
    expect((await judge()).alerts).toEqual([]);
    // Nor is it drawn again.
    expect(await readDesign(scene.store, jobFolder("out", jobOf(0)), LIMITS)).toBeNull();
  });

  it("says that no picture was new, without an alert, and what kept it from being drawn, with one", async () => {
    await scene.addNight(0);
    await scene.look(soon(0));
    await scene.addNight(1, { review });
    await scene.look(soon(1));
    expect(await readReviews()).toMatchObject([{ drawn: 0, seen: 0, failure: null }]);
    await scene.addNight(2, { review, isNew });
    await scene.store.delete([`${jobFolder("out", jobOf(2))}labels.jsonl`]);
    await scene.look(soon(2));
    expect(scene.sent.map((one) => read(one).data.alerts)).toMatchObject([
      [{ subject: "Review", text: expect.stringContaining("could not be drawn") as string }],
    ]);
  });
});

describe("a mail", () => {
  const alert = { tone: "bad" as const, subject: "Run", text: "x", dueMs: 0, jobId: null };

  it("has a subject of one short line, whatever names and messages hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "binary" }), (name, text) => {
        const { subject } = writeAlertMail({ id: "s", name }, [{ ...alert, text }, alert]);
        expect(subject).not.toMatch(/[\r\n\u2028\u2029]/);
        expect(subject.length).toBeLessThanOrEqual(120);
      }),
    );
  });

  it("is lost from no queue by the settling of another", () => {
    const state: LookState = { ...NO_LOOK, notices: [makeNotice("a"), makeNotice("b")] };
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 10 }), (results) => {
        let current = state;
        for (const isSent of results) current = settleNotice(current, "a", isSent, 0);
        expect(current.notices.some(({ id }) => id === "b")).toBe(true);
        const isGone = results.includes(true) || results.length > NOTICE_DELAYS_SECONDS.length;
        expect(current.notices.some(({ id }) => id === "a")).toBe(!isGone);
      }),
    );
  });
});
