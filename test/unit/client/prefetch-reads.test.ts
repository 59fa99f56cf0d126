import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExpectedRead, prefetchReads } from "../../../src/client/compute/prefetch-reads.ts";

/** Reading ahead: the same bytes, never more than allowed, nothing read in vain. */

/** A server that answers when it is told to. */
function createServer() {
  const waiting: { readonly url: string; readonly answer: () => void; readonly fail: () => void }[] = [];
  const seen: string[] = [];
  let most = 0;
  return {
    seen,
    waiting,
    get most() {
      return most;
    },
    read(this: void, url: string): Promise<{ bytes: Uint8Array; etag: string }> {
      seen.push(url);
      return new Promise((resolve, reject) => {
        const leave = (settle: () => void) => (): void => {
          waiting.splice(
            waiting.findIndex((one) => one.url === url),
            1,
          );
          settle();
        };
        const bytes = new TextEncoder().encode(url);
        const answer = leave(() => resolve({ bytes, etag: url }));
        waiting.push({ url, answer, fail: leave(() => reject(new Error(url))) });
        most = Math.max(most, waiting.length);
      });
    },
  };
}

const makeReads = (count: number, bytes = 10): ExpectedRead[] =>
  Array.from({ length: count }, (_, at) => ({ url: `/${at}`, bytes }));

describe("reading ahead", () => {
  it("begins before anybody asks, in order, as many at once as it may", async () => {
    const server = createServer();
    const read = prefetchReads(makeReads(5), server.read, { maxConnections: 2, maxBytes: 1000 });
    expect(server.seen).toEqual(["/0", "/1"]);
    const first = read("/0");
    server.waiting[0]!.answer();
    expect(new TextDecoder().decode((await first).bytes)).toBe("/0");
    expect(server.seen).toEqual(["/0", "/1", "/2"]);
  });

  it("holds no more than it may, and goes on as it is taken", async () => {
    const server = createServer();
    const read = prefetchReads(makeReads(5), server.read, { maxConnections: 6, maxBytes: 25 });
    expect(server.seen).toEqual(["/0", "/1"]);
    for (const one of Array.from(server.waiting)) one.answer();
    await read("/0");
    expect(server.seen).toEqual(["/0", "/1", "/2"]);
    // What is larger than all that may be held comes alone.
    const big = prefetchReads(makeReads(2, 100), server.read, { maxConnections: 6, maxBytes: 25 });
    expect(server.seen.slice(3)).toEqual(["/0"]);
    expect(big).toBeTypeOf("function");
  });

  it("hands a failure to whoever asks, and reads again if asked again", async () => {
    const server = createServer();
    const read = prefetchReads(makeReads(1), server.read, { maxConnections: 1, maxBytes: 100 });
    server.waiting[0]!.fail();
    await expect(read("/0")).rejects.toThrow("/0");
    const again = read("/0");
    server.waiting[0]!.answer();
    expect((await again).etag).toBe("/0");
    expect(server.seen).toEqual(["/0", "/0"]);
  });

  it("gives every address its own bytes, once each, whoever asks in whatever order", async () => {
    const shape = fc.record({
      sizes: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 }),
      maxConnections: fc.integer({ min: 1, max: 6 }),
      maxBytes: fc.integer({ min: 1, max: 120 }),
      turns: fc.infiniteStream(fc.nat(1000)),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ sizes, maxConnections, maxBytes, turns }) => {
        const server = createServer();
        const reads = sizes.map((bytes, at) => ({ url: `/${at}`, bytes }));
        const read = prefetchReads(reads, server.read, { maxConnections, maxBytes });
        const wanted = reads.map(({ url }) => url);
        const answers: Promise<{ etag: string }>[] = [];
        const order: string[] = [];
        while (wanted.length > 0 || server.waiting.length > 0) {
          const turn = Number(turns.next().value);
          if (wanted.length > 0 && (turn % 2 === 0 || server.waiting.length === 0)) {
            const [url] = wanted.splice(turn % wanted.length, 1);
            order.push(url!);
            answers.push(read(url!));
          } else if (server.waiting.length > 0) server.waiting[turn % server.waiting.length]!.answer();
          await Promise.resolve();
        }
        expect((await Promise.all(answers)).map(({ etag }) => etag)).toEqual(order);
        expect(server.seen.toSorted()).toEqual(reads.map(({ url }) => url).toSorted());
      }),
      { numRuns: 300 },
    );
  });
});
