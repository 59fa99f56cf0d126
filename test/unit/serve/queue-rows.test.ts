import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { WorkMessage } from "../../../src/scoring/job/messages.ts";
import { createQueueRows, type Delivery, type QueueRows } from "../../../src/serve/queue-rows.ts";
import { loadNodeSqlite, loadWasmSqlite } from "../../../src/serve/sqlite-drivers.ts";
import { openWith, type SqliteFile } from "../../../src/serve/sqlite-file.ts";

/** The queue in a table: what was sent is delivered until it is settled, whatever dies on the way. */

const score = (chunkId: string, jobId = "job"): WorkMessage => ({ kind: "score", jobId, chunkId });
const now = (message: WorkMessage, delaySeconds = 0) => ({ message, delaySeconds });
const readChunk = ({ body }: Delivery): string => (body.kind === "score" ? body.chunkId : "");

const drivers = [
  ["node:sqlite", (await loadNodeSqlite())!],
  ["WebAssembly", await loadWasmSqlite()],
] as const;

describe.each(drivers)("a queue in %s", (_, openDriver) => {
  const folder = mkdtempSync(join(tmpdir(), "countenance-queue-"));
  const openSqlite = openWith(openDriver);
  const opened: SqliteFile[] = [];
  let count = 0;

  function openQueue(path = join(folder, `${count++}.sqlite`)): { file: SqliteFile; queue: QueueRows; path: string } {
    const file = openSqlite(path, "system");
    opened.push(file);
    return { file, path, queue: createQueueRows(file.sql, (body) => file.transactionSync(body)) };
  }

  afterAll(() => {
    for (const file of opened) {
      try {
        file.close();
      } catch {
        // A test has closed it.
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("delivers after the delay, oldest first, and settles", () => {
    const { queue } = openQueue();
    queue.send([now(score("late"), 5), now(score("a")), now(score("b"))], 1000);
    expect(queue.nextDue("work")).toBe(1000);
    const first = queue.take("work", 1000, 100)!;
    expect(first).toMatchObject({ body: score("a"), attempts: 1, sentMs: 1000, dead: false });
    queue.settle(first);
    queue.settle(queue.take("work", 1000, 100)!);
    expect(queue.take("work", 5999, 100)).toBeNull();
    expect(queue.take("work", 6000, 100)).toMatchObject({ body: score("late") });
  });

  it("delivers again what its consumer gave back, or kept silent about, and then as a dead letter", () => {
    const { queue } = openQueue();
    queue.send([now(score("a"))], 0);
    const deliveries: Delivery[] = [queue.take("work", 0, 100)!];
    expect(queue.take("work", 99, 100)).toBeNull();
    deliveries.push(queue.take("work", 100, 100)!);
    // The silent one wakes up: the message is no longer its own.
    queue.settle(deliveries[0]!);
    expect(queue.retry(deliveries[1]!, 2, 150)).toBe("later");
    expect(queue.take("work", 2149, 100)).toBeNull();
    deliveries.push(queue.take("work", 2150, 100)!, queue.take("work", 2250, 100)!);
    expect(deliveries.map(({ attempts, dead }) => [attempts, dead])).toEqual([1, 2, 3, 4].map((n) => [n, false]));
    expect(queue.retry(deliveries[3]!, 0, 2300)).toBe("dead");
    for (let attempts = 1; attempts <= 11; attempts++) {
      const dead = queue.take("work", 3000, 100)!;
      expect(dead).toMatchObject({ attempts, dead: true, body: score("a") });
      expect(queue.retry(dead, 0, 3000)).toBe(attempts < 11 ? "later" : "dropped");
    }
    expect(queue.nextDue("work")).toBeNull();
  });

  it("makes a dead letter of what its last consumer kept silent about", () => {
    const { queue } = openQueue();
    queue.send([now(score("a"))], 0);
    for (let n = 0; n < 4; n++) queue.take("work", n * 100, 100);
    expect(queue.take("work", 400, 100)).toMatchObject({ attempts: 1, dead: true });
  });

  it("takes a message that waits already for the same one, unless it would come earlier", () => {
    const { queue } = openQueue();
    queue.send([now(score("a")), now(score("a"))], 0);
    queue.send([now(score("a"), 60)], 0);
    const held = queue.take("work", 0, 1e9)!;
    expect(queue.take("work", 1e6, 100)).toBeNull();
    // One that is under way may have been asked for before what the new one is about.
    queue.send([now(score("a"), 60)], 0);
    queue.send([now(score("a"))], 0);
    queue.settle(held);
    expect(queue.take("work", 0, 1e9)).not.toBeNull();
    expect(queue.take("work", 0, 1e9)).toBeNull();
    expect(queue.take("work", 60_000, 1e9)).not.toBeNull();
  });

  it("gives each job its turn, however long another's row is", () => {
    const { queue } = openQueue();
    queue.send(
      Array.from({ length: 50 }, (_, n) => now(score(String(n), "large"))),
      0,
    );
    const first = queue.take("work", 1, 1000)!;
    queue.send([now({ kind: "plan", jobId: "small", step: 0 })], 1);
    expect(first.body.jobId).toBe("large");
    expect(queue.take("work", 1, 1000)!.body.jobId).toBe("small");
    expect(queue.take("work", 1, 1000)!.body.jobId).toBe("large");
  });

  it("keeps notices out of the way of work", () => {
    const { queue } = openQueue();
    queue.send([now({ kind: "notify", jobId: "job", eventId: 1 }), now(score("a"))], 0);
    expect(queue.take("work", 0, 100)!.body.kind).toBe("score");
    expect(queue.take("work", 0, 100)).toBeNull();
    expect(queue.take("notify", 0, 100)!.body.kind).toBe("notify");
  });

  /** What may happen to a queue; numbers choose among what is held. */
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("send" as const), of: fc.nat(5), delay: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const), of: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("retry" as const), of: fc.nat(5), delay: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(3000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
  );

  it("loses nothing and delivers nothing after it was settled, whatever is killed", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let { file, queue, path } = openQueue();
        let nowMs = 0;
        let held: Delivery[] = [];
        /** Messages sent and not yet settled since, by body. */
        const owed = new Set<string>();
        const wrong: string[] = [];
        const HOLD_MS = 2000;
        for (const { kind, ...about } of events) {
          const { of = 0, delay = 0, ms = 0 } = about as { of?: number; delay?: number; ms?: number };
          const chosen = held.length === 0 ? undefined : held[of % held.length];
          if (kind === "send") {
            queue.send([now(score(String(of)), delay)], nowMs);
            owed.add(String(of));
          } else if (kind === "take") {
            const taken = queue.take("work", nowMs, HOLD_MS);
            if (taken === null) continue;
            if (!owed.has(readChunk(taken))) wrong.push(`delivered after it was settled: ${readChunk(taken)}`);
            held.push(taken);
          } else if (kind === "wait") {
            nowMs += ms;
          } else if (kind === "kill") {
            file.close();
            ({ file, queue } = openQueue(path));
            const released = queue.releaseHeld(nowMs);
            // Whatever was under way is known, and is delivered at once.
            const live = held.filter(({ id, attempts }) =>
              released.some((r) => r.id === id && r.attempts === attempts),
            );
            if (released.length !== live.length) wrong.push(`${released.length} released of ${live.length}`);
            held = [];
          } else if (chosen !== undefined) {
            held = held.filter((one) => one !== chosen);
            if (kind === "retry") queue.retry(chosen, delay, nowMs);
            else {
              queue.settle(chosen);
              // Several of one body may wait: what is left of them is still owed.
              const body = JSON.stringify(chosen.body);
              const left = file.sql.exec("SELECT id FROM messages WHERE body = ?", body).toArray();
              if (left.length === 0) owed.delete(readChunk(chosen));
            }
          }
        }
        // Whoever waits long enough gets all that is owed, each in a bounded number of deliveries.
        const found = new Set<string>();
        for (const one of held) queue.retry(one, 0, nowMs);
        nowMs += 1e6;
        for (
          let taken = queue.take("work", nowMs, HOLD_MS);
          taken !== null;
          taken = queue.take("work", nowMs, HOLD_MS)
        ) {
          found.add(readChunk(taken));
          queue.settle(taken);
        }
        const dropped = [...owed].filter((one) => !found.has(one));
        expect({ wrong, dropped }).toEqual({ wrong: [], dropped: [] });
        file.close();
      }),
      { numRuns: 40 },
    );
  });
});
