import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import type { DroppedFile } from "../../../web/src/new/dropped-file.ts";
import { createUploads } from "../../../web/src/new/upload.ts";
import { createJournal, findArrived } from "../../../web/src/new/upload-journal.ts";

const PLACE = { store: "faces", prefix: "uploads/1/" };
const DAY = 86_400_000;

/** Storage without room. */
function full(): never {
  throw new Error("the quota is exceeded");
}

/** As a page has them after a drop: other objects at each drop, of the same files. */
const drop = (count: number, changed = -1): DroppedFile[] =>
  Array.from({ length: count }, (_, at) => ({
    path: `site/${at}.jpg`,
    file: new File([`picture ${at}`], `${at}.jpg`, { lastModified: at === changed ? 2 : 1 }),
  }));

function createBrowser() {
  const texts = new Map<string, string>();
  const storage = {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => void texts.set(key, text),
    removeItem: (key: string) => void texts.delete(key),
  };
  const time = { nowMs: DAY };
  return { texts, time, journal: createJournal(storage, () => time.nowMs) };
}

/** A server that takes so many pictures and refuses the next. */
function createServer(limit: number) {
  const sent: string[] = [];
  return {
    sent,
    async upload(_store: string, key: string) {
      if (sent.length >= limit) throw new ScoringError("forbidden", "no more");
      sent.push(key);
    },
  };
}

const send = (server: ReturnType<typeof createServer>, journal: ReturnType<typeof createBrowser>["journal"]) => {
  const uploads = createUploads(server, journal);
  const run = (files: readonly DroppedFile[]) =>
    uploads.send(PLACE, files, new AbortController().signal, () => undefined);
  return { uploads, run };
};

describe("an upload that was interrupted", () => {
  it("goes on in another page: every picture is sent once, whenever it was interrupted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 130 }), fc.nat(130), async (count, limit) => {
        const { journal } = createBrowser();
        const first = createServer(limit);
        await send(first, journal)
          .run(drop(count))
          .catch(() => undefined);
        const again = drop(count);
        const open = journal.read();
        const arrived = open === null ? [] : await findArrived(open, again);
        expect(arrived.map(({ path }) => PLACE.prefix + path).toSorted()).toEqual(first.sent.toSorted());
        const second = createServer(Number.POSITIVE_INFINITY);
        const { uploads, run } = send(second, journal);
        uploads.adopt(PLACE, arrived);
        await run(again);
        expect([...first.sent, ...second.sent].toSorted()).toEqual(
          again.map(({ path }) => PLACE.prefix + path).toSorted(),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("does not go on with a file that changed, nor where others lie", async () => {
    const { journal } = createBrowser();
    await send(createServer(9), journal).run(drop(5));
    const open = journal.read()!;
    expect(open).toMatchObject({ ...PLACE, atMs: DAY });
    expect(await findArrived(open, drop(7))).toHaveLength(5);
    expect(await findArrived(open, drop(7, 2))).toEqual([]);
    expect(await findArrived(open, drop(4))).toEqual([]);
  });

  it("sends all again once some are gone", async () => {
    const { journal } = createBrowser();
    const server = createServer(99);
    const { uploads, run } = send(server, journal);
    const files = drop(3);
    uploads.adopt(PLACE, files);
    uploads.forget(PLACE);
    await run(files);
    expect(server.sent).toHaveLength(3);
  });

  it("is forgotten with its job, after three days, and where the note is none", async () => {
    const { journal, texts, time } = createBrowser();
    await send(createServer(9), journal).run(drop(2));
    time.nowMs = 4 * DAY - 1;
    expect(journal.read()).not.toBeNull();
    time.nowMs = 4 * DAY;
    expect(journal.read()).toBeNull();
    time.nowMs = DAY;
    journal.forget();
    expect(journal.read()).toBeNull();
    for (const text of ["{", "7", '{"store":"faces"}']) {
      texts.set("countenance-upload", text);
      expect(journal.read()).toBeNull();
    }
  });

  it("does not stop where nothing can be noted", async () => {
    const journal = createJournal({ getItem: () => null, setItem: full, removeItem: () => undefined }, () => DAY);
    const server = createServer(9);
    await createUploads(server, journal).send(PLACE, drop(3), new AbortController().signal, () => undefined);
    expect(server.sent).toHaveLength(3);
  });
});
