import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReaderFace } from "../../../src/scoring/review/review-desk.ts";
import {
  answerFace,
  beginReading,
  computePace,
  countAnswered,
  listUpcoming,
  noteSent,
  readKey,
  undoAnswer,
} from "../../../web/src/review/reading.ts";

const faces = (count: number): ReaderFace[] =>
  Array.from({ length: count }, (_, at) => ({ at: 2 * at, box: null, answer: null }));

describe("reading", () => {
  it("goes from face to face, and back", () => {
    const first = answerFace(beginReading(faces(3), []), "Sad", 4);
    expect([first.position, first.waiting]).toEqual([1, [{ at: 0, label: "Sad", seconds: 4 }]]);
    const second = answerFace(first, "cannot say", 2);
    const back = undoAnswer(second);
    expect([back.position, back.faces[1]!.answer]).toEqual([1, null]);
    expect(back.waiting.at(-1)).toEqual({ at: 2, label: "undone", seconds: 0 });
    expect(undoAnswer(undoAnswer(back)).position).toBe(0);
  });

  it("begins where an earlier visit ended, with what that could not send", () => {
    const list = faces(4).map((face) => (face.at === 0 ? { ...face, answer: "Happy" as const } : face));
    const reading = beginReading(list, [
      { at: 2, label: "Sad", seconds: 1 },
      { at: 99, label: "Sad", seconds: 1 },
    ]);
    expect([reading.position, reading.waiting.length]).toEqual([2, 1]);
    expect(listUpcoming(reading, 9).map(({ at }) => at)).toEqual([4, 6]);
  });

  it("ends, and says how fast it went", () => {
    let reading = beginReading(faces(3), []);
    for (const seconds of [9, 2, 4]) reading = answerFace(reading, "Neutral", seconds);
    expect([reading.position, computePace(reading), countAnswered(reading)]).toEqual([3, 4, 3]);
    expect(answerFace(reading, "Sad", 1)).toBe(reading);
  });

  it("reads 1 to 7 and 0", () => {
    expect(["1", "4", "7", "0", "8", "a", "11"].map((key) => readKey(key))).toEqual([
      "Angry",
      "Happy",
      "Neutral",
      "cannot say",
      null,
      null,
      null,
    ]);
  });

  it("leaves the server with what the page shows, whatever is answered, undone and sent in between", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("answer" as const),
        label: fc.constantFrom("Sad" as const, "Happy" as const, "cannot say" as const),
      }),
      fc.record({ kind: fc.constant("undo" as const) }),
      fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let reading = beginReading(faces(8), []);
        const server = new Map<number, string>();
        const send = (count: number): void => {
          const batch = reading.waiting.slice(0, count);
          for (const { at, label } of batch) {
            if (label === "undone") server.delete(at);
            else server.set(at, label);
          }
          reading = noteSent(reading, batch.length);
        };
        for (const one of steps) {
          if (one.kind === "answer") reading = answerFace(reading, one.label, 1);
          else if (one.kind === "undo") reading = undoAnswer(reading);
          else send(one.count);
        }
        send(1000);
        const shown = reading.faces.flatMap(({ at, answer }) => (answer === null ? [] : [[at, answer] as const]));
        expect([...server].sort(([a], [b]) => a - b)).toEqual(shown);
      }),
    );
  });
});
