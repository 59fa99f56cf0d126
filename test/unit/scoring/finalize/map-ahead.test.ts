import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mapAhead, mapShared } from "../../../../src/scoring/finalize/map-ahead.ts";

/** Ends `turns` turns of the event loop later: what another thread answers is there at some turn, not at once. */
async function wait(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const values = fc.array(fc.record({ there: fc.nat(3), here: fc.nat(2), read: fc.nat(2) }), { maxLength: 25 });

describe("work that is shared with other threads", () => {
  it("comes in order, each value once, with no more under way or held than was said", async () => {
    const property = fc.asyncProperty(values, fc.integer({ min: 1, max: 4 }), async (list, ahead) => {
      const made: number[] = [];
      let away = 0;
      let unread = 0;
      const indexes = list.map((_, at) => at);
      const there = async (at: number) => {
        made.push(at);
        away += 1;
        unread += 1;
        expect(away).toBeLessThanOrEqual(ahead);
        await wait(list[at]!.there);
        away -= 1;
        return at;
      };
      const here = async (at: number) => {
        made.push(at);
        unread += 1;
        await wait(list[at]!.here);
        return at;
      };
      const read: number[] = [];
      for await (const at of mapShared(indexes, ahead, there, here)) {
        read.push(at);
        expect(unread).toBeLessThanOrEqual(2 * ahead);
        unread -= 1;
        await wait(list[at]!.read);
      }
      expect(read).toEqual(indexes);
      expect(made).toEqual(indexes);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it("is done here as long as the others do not answer, and by them where they are quick", async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<undefined>();
    const where: string[] = [];
    const slow = mapShared(
      [0, 1, 2, 3, 4, 5, 6, 7],
      2,
      async (at) => {
        await answered;
        where.push(`there ${at}`);
      },
      async (at) => {
        where.push(`here ${at}`);
        // Until nothing more may be held.
        if (at === 3) answer(undefined);
      },
    );
    await slow.next();
    expect(where).toEqual(["here 2", "here 3", "there 0", "there 1"]);
    await slow.return(undefined);

    const given: number[] = [];
    const own: number[] = [];
    const indexes = Array.from({ length: 20 }, (_, at) => at);
    const quick = mapShared(
      indexes,
      2,
      async (at) => given.push(at),
      async (at) => own.push(at),
    );
    for await (const _ of quick) await wait(1);
    // Nothing can be there before the first was asked.
    expect(own).toEqual([2]);
    expect(given).toHaveLength(19);
  });

  it.each([
    ["mapShared", (map: (at: number) => Promise<number>) => mapShared([0, 1, 2, 3, 4, 5], 2, map, map)],
    ["mapAhead", (map: (at: number) => Promise<number>) => mapAhead([0, 1, 2, 3, 4, 5], 3, map)],
  ])("gives what came before a failure, and leaves nothing running behind it: %s", async (_, start) => {
    let running = 0;
    const read: number[] = [];
    const run = async (): Promise<void> => {
      const results = start(async (at) => {
        running += 1;
        await wait(5 - at);
        running -= 1;
        if (at === 2) throw new Error("a part is gone");
        return at;
      });
      for await (const at of results) read.push(at);
    };
    await expect(run()).rejects.toThrow("a part is gone");
    expect(read).toEqual([0, 1]);
    expect(running).toBe(0);
  });
});
