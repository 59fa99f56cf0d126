import { describe, expect, it } from "vitest";
import { createGraphNodeEngine } from "../../../src/backends/graph/graph-node.ts";
import { GRAPH_ENGINES } from "../../../src/backends/graph/kernel.ts";
import { usesWinograd } from "../../../src/backends/graph/picture-winograd.ts";
import { planLayers } from "../../../src/backends/graph/layers.ts";
import type { Network } from "../../../src/model/graph/check-graph.ts";
import { createDice, drawPicture, measureDifference, NetworkBuilder } from "../../contract/drawn-networks.ts";
import { GRAPH_TOLERANCE } from "../../contract/graph-parity.ts";

interface Form {
  readonly inputs: number;
  readonly outputs: number;
  readonly size: readonly [height: number, width: number];
  readonly padding: "same" | [number, number, number, number];
}

/** A pointwise convolution, so that channels fill vectors, and one of 3×3 with shortcut and activation. */
function drawNetwork({ inputs, outputs, size, padding }: Form): Network {
  const builder = new NetworkBuilder(createDice(7), [3, ...size]);
  builder.add({
    name: "wide",
    op: "conv",
    inputs: ["input"],
    weight: builder.draw([inputs, 3, 1, 1]),
    bias: builder.draw([inputs]),
  });
  const weight = builder.draw([outputs, inputs, 3, 3]);
  builder.add({ name: "three", op: "conv", inputs: ["wide"], weight, bias: builder.draw([outputs]), padding });
  if (padding === "same" && inputs === outputs) builder.add({ name: "sum", op: "add", inputs: ["wide", "three"] });
  builder.add({ name: "end", op: "elu", inputs: [builder.shapes.has("sum") ? "sum" : "three"] });
  return builder.finish();
}

function uses(form: Form, size: readonly [number, number]): boolean {
  const network = drawNetwork(form);
  const product = planLayers(network, { separable: true }).find(
    ({ op, output }) => op === "product" && output !== "wide",
  );
  return usesWinograd(product!, network, Math.ceil(form.inputs / 4) * 4, size);
}

const FORMS: readonly [Form, ...Form[]] = [
  { inputs: 16, outputs: 16, size: [8, 8], padding: "same" },
  { inputs: 24, outputs: 24, size: [16, 21], padding: "same" },
  { inputs: 32, outputs: 64, size: [31, 31], padding: [0, 0, 0, 0] },
  { inputs: 30, outputs: 22, size: [29, 14], padding: [1, 1, 1, 1] },
  { inputs: 128, outputs: 128, size: [24, 24], padding: "same" },
];

describe("3×3 convolutions of a picture by Winograd's method", () => {
  for (const engine of GRAPH_ENGINES) {
    it(`agree with the oracle on ${engine}, tiles that overlap and chunks of tiles among them`, async () => {
      for (const form of FORMS) {
        const network = drawNetwork(form);
        const [height, width] = form.size;
        const created = await createGraphNodeEngine(network, engine);
        const picture = drawPicture(3, 3 * height * width);
        const difference = await measureDifference(created, network, picture, height, width);
        expect({ form, agrees: difference < GRAPH_TOLERANCE, difference }).toMatchObject({ form, agrees: true });
      }
    });
  }

  it("are those whose products it spares, with weights that are not too many", () => {
    for (const form of FORMS) {
      const lost = form.padding === "same" || form.padding[0] === 1 ? 0 : 2;
      expect(uses(form, [form.size[0] - lost, form.size[1] - lost])).toBe(true);
    }
    const [form] = FORMS;
    expect(uses({ ...form, inputs: 12 }, [8, 8])).toBe(false);
    expect(uses({ ...form, inputs: 256 }, [8, 8])).toBe(true);
    expect(uses({ ...form, inputs: 256, outputs: 128 }, [8, 8])).toBe(false);
    expect(uses(form, [5, 5])).toBe(false);
    expect(uses(form, [3, 64])).toBe(false);
  });
});
