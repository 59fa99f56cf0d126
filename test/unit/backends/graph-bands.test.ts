import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGraphNodeEngine } from "../../../src/backends/graph/graph-node.ts";
import { planBands, type BandedLayer } from "../../../src/backends/graph/picture-bands.ts";
import { createDice, drawPicture, measureDifference, NetworkBuilder } from "../../contract/drawn-networks.ts";
import { GRAPH_TOLERANCE } from "../../contract/graph-parity.ts";

/** Chains whose values lie in two places in turn, as the engine lays them out. */
const chains = fc
  .record({
    rows: fc.integer({ min: 1, max: 300 }),
    rowBytes: fc.integer({ min: 1, max: 100_000 }),
    windows: fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.boolean()), { minLength: 1, maxLength: 9 }),
  })
  .map(({ rows, rowBytes, windows }) =>
    windows.map(([above, below, keeps], i): BandedLayer => {
      const input = `v${i}`;
      const names = { input, output: `v${i + 1}`, residual: keeps ? input : null };
      return { ...names, rows, rowBytes, aligned: true, above, below };
    }),
  );

const whole = (step: number) => ({ step, from: 0, end: null });

describe("bands of rows", () => {
  it("compute every row once, from rows that are there and not yet written over", () => {
    fc.assert(
      fc.property(chains, (layers) => {
        const { rows } = layers[0]!;
        // places[p][row]: which value lies there; the first value is complete.
        const places = [0, 1].map(() => Array<number>(rows).fill(-1));
        places[0]!.fill(0);
        for (const { step, from, end } of planBands(layers)) {
          const { above, below } = layers[step]!;
          for (let y = from; y < (end ?? rows); y++) {
            const needed = places[step % 2]!.slice(Math.max(0, y - above), y + below + 1);
            expect(needed.every((value) => value === step)).toBe(true);
          }
          // A part writes once all of it is read, as far as another layer can tell.
          for (let y = from; y < (end ?? rows); y++) {
            expect(places[(step + 1) % 2]![y]).not.toBe(step + 1);
            places[(step + 1) % 2]![y] = step + 1;
          }
        }
        expect(places[layers.length % 2]!.every((value) => value === layers.length)).toBe(true);
      }),
    );
  });

  it("keep apart what does not follow, and leave small maps whole", () => {
    const layer = { residual: null, rows: 100, rowBytes: 50_000, aligned: true, above: 1, below: 1 };
    const follow = { ...layer, input: "b", output: "c" };
    const first = { ...layer, input: "a", output: "b" };
    expect(planBands([first, null, follow])).toEqual([0, 1, 2].map(whole));
    expect(planBands([first, { ...follow, aligned: false }])).toEqual([0, 1].map(whole));
    expect(planBands([first, { ...follow, residual: "a" }])).toEqual([0, 1].map(whole));
    expect(planBands([first, { ...follow, rows: 50 }])).toEqual([0, 1].map(whole));
    const small = [first, follow].map((one) => ({ ...one, rowBytes: 1000 }));
    expect(planBands(small)).toEqual([0, 1].map(whole));
    expect(planBands([first, follow]).length).toBeGreaterThan(10);
  });

  it("change no number of a picture", { timeout: 120_000 }, async () => {
    const [channels, height, width] = [4, 150, 460] as const;
    const builder = new NetworkBuilder(createDice(7), [channels, height, width]);
    let map = "input";
    for (const [i, padding] of ([[1, 1, 1, 1], [3, 1, 1, 1], "same", [0, 1, 2, 1], [1, 1, 1, 1]] as const).entries()) {
      const tall = padding === "same" ? 5 : padding[0] + padding[2] + 1;
      const deep = builder.draw([channels, 1, tall, 3]);
      const sides = padding === "same" ? padding : ([...padding] as [number, number, number, number]);
      builder.add({ name: `d${i}`, op: "conv", inputs: [map], groups: channels, weight: deep, padding: sides });
      builder.add({ name: `p${i}`, op: "conv", inputs: [`d${i}`], weight: builder.draw([channels, channels, 1, 1]) });
      builder.add({ name: `s${i}`, op: "add", inputs: [map, `p${i}`] });
      map = builder.add({ name: `r${i}`, op: "relu", inputs: [`s${i}`] });
    }
    const network = builder.finish();
    const picture = drawPicture(5, channels * height * width);
    const engine = await createGraphNodeEngine(network);
    expect(await measureDifference(engine, network, picture, height, width)).toBeLessThan(GRAPH_TOLERANCE);
  });
});
