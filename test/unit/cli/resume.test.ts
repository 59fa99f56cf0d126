import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { makeJournal, openJournal } from "../../../cli/score/journal.ts";
import { driveLocalJob } from "../../../cli/score/local-job.ts";
import type { Threads } from "../../../cli/score/threads.ts";
import { listRows } from "../../../cli/score/unfinished.ts";
import type { JobCoordinator } from "../../../src/scoring/job/coordinator-port.ts";
import type { JobView } from "../../../src/scoring/job/job-view.ts";
import type { WorkMessage } from "../../../src/scoring/job/messages.ts";
import { type LocalScene, setLocalScene } from "./local-scene.ts";

/** A run on this machine that its process does not live to end. */

const folder = mkdtempSync(join(tmpdir(), "countenance-resume-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
function makeFile(): string {
  const path = join(folder, `${count++}.jsonl`);
  makeJournal(path, { any: "header" });
  return path;
}

const STOP = new Error("the process dies here");

/** Where a process dies: before it handles its `at`th message, or when that is done. */
interface Death {
  readonly at: number;
  readonly handled: boolean;
}

/** What a process came to. */
interface Life {
  /** `null` if it died. */
  readonly view: JobView | null;
  /** Texts that it tried to decode. */
  readonly decoded: readonly string[];
  /** Texts whose chunks are done. */
  readonly done: readonly string[];
}

/** One process that works on the job. */
async function live(scene: LocalScene, path: string, death: Death | null): Promise<Life> {
  const journal = openJournal(path);
  const decoded: string[] = [];
  let seen = 0;
  let isDead = false;
  const threads: Threads = {
    async run(work, desk) {
      if (work.kind !== "message") throw new Error(work.kind);
      const dies = death !== null && seen++ >= death.at;
      // Nobody answers what is still under way then.
      const answers = new Proxy(desk, {
        get: (target, name) => (isDead ? () => new Promise(() => {}) : Reflect.get(target, name)),
      });
      if (!dies || death.handled) await scene.handle(work.message, answers, decoded);
      else await begin(work.message, answers);
      if (!dies) return null;
      isDead = true;
      throw STOP;
    },
    close: async () => {},
  };
  const view = await driveLocalJob(scene.spec, threads, undefined, journal.rows).catch((error: unknown) => {
    if (error === STOP) return null;
    throw error;
  });
  const rows = listRows(journal.rows).filter(({ status }) => status === "done");
  journal.close();
  const done = rows.flatMap(({ first, count: length }) => Array.from({ length }, (_, n) => `no picture ${first + n}`));
  return { view, decoded: [...decoded], done };
}

/** Takes what the message is about, and does no more. */
async function begin(message: WorkMessage, desk: JobCoordinator): Promise<void> {
  if (message.kind === "score") await desk.lease(message.chunkId);
  if (message.kind === "plan") await desk.beginPlan(message.step);
  if (message.kind === "finalize") await desk.beginFinalize(message.step);
}

async function readLabels({ store }: LocalScene): Promise<string> {
  const read = await store.read("out/job/labels.jsonl", { maxBytes: 1e6 });
  return read.kind === "found" ? new TextDecoder().decode(read.bytes) : read.kind;
}

describe("a run that goes on", () => {
  it("ends as one that was never stopped, wherever it died, and scores nothing twice that was reported", async () => {
    const calm = await setLocalScene({ chunkSize: 2 });
    const { view } = await live(calm, makeFile(), null);
    const labels = await readLabels(calm);
    expect(labels.split("\n")).toHaveLength(9);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.nat(5), handled: fc.boolean() }), { minLength: 1, maxLength: 4 }),
        async (deaths) => {
          const scene = await setLocalScene({ chunkSize: 2 });
          const path = makeFile();
          let life: Life = { view: null, decoded: [], done: [] };
          for (const death of [...deaths, null]) {
            const before = life.done;
            life = await live(scene, path, death);
            expect(life.decoded.filter((text) => before.includes(text))).toEqual([]);
            if (life.view !== null) break;
            // A kill may tear the line that was being written.
            appendFileSync(path, '[["writeState",{"id":"jo');
          }
          expect([life.view?.status, life.view?.counts]).toEqual([view?.status, view?.counts]);
          expect(await readLabels(scene)).toBe(labels);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has all of a transaction or nothing of it", () => {
    const path = makeFile();
    const journal = openJournal(path);
    journal.rows.transaction(() => {
      journal.rows.writeCheckpoint("one");
      journal.rows.addPages(["a"]);
    });
    journal.rows.transaction(() => {
      journal.rows.writeCheckpoint("two");
      journal.rows.addPages(["b"]);
    });
    journal.close();
    const text = readFileSync(path, "utf8");
    for (const end of [text.length - 1, text.length - 9]) {
      writeFileSync(path, text.slice(0, end));
      const again = openJournal(path);
      expect([again.rows.readCheckpoint(), again.rows.listPages(0, 9)]).toEqual(["one", ["a"]]);
      again.close();
    }
  });
});
