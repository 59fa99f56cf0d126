/** Activations of Keras: as settings of other layers, by name, and as layers. */

import type { LayerContext, LayerValue } from "./layer-context.ts";

type Activation = (context: LayerContext, input: LayerValue, name: string) => string;

const simple =
  (op: "relu" | "relu6" | "elu" | "sigmoid" | "tanh" | "softmax"): Activation =>
  ({ draft }, { value }, name) =>
    draft.push({ name, op, inputs: [value] });

const swish: Activation = (context, { value }, name) => {
  const gate = context.draft.push({ name: context.part("sigmoid"), op: "sigmoid", inputs: [value] });
  return context.draft.push({ name, op: "multiply", inputs: [value, gate] });
};

const hardSigmoid: Activation = ({ draft }, { value }, name) =>
  draft.push({ name, op: "hardSigmoid", inputs: [value], slope: 0.2 });

/** By Keras' names; tfjs writes some without underscores. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ["relu", simple("relu")],
  ["relu6", simple("relu6")],
  ["elu", simple("elu")],
  ["sigmoid", simple("sigmoid")],
  ["tanh", simple("tanh")],
  ["softmax", simple("softmax")],
  ["swish", swish],
  ["silu", swish],
  ["hardsigmoid", hardSigmoid],
]);

/** What an activation makes of a value; `null` and `linear` change nothing. @throws ScoringError `model_invalid` for one that is not known */
export function activate(context: LayerContext, input: LayerValue, activation: string | null): LayerValue {
  if (activation === null || activation === "linear") return context.pass(input);
  const make = ACTIVATIONS.get(activation.toLowerCase().replaceAll("_", ""));
  if (make === undefined) return context.fail(`the graph has no activation ${activation}`);
  return context.make(make(context, context.settle(input), context.output()));
}

type Layer = (context: LayerContext) => LayerValue;

const leaky = (context: LayerContext, slope: number): LayerValue => {
  const { value } = context.plain();
  return context.make(context.draft.push({ name: context.output(), op: "leakyRelu", inputs: [value], slope }));
};

const rectify: Layer = (context) => {
  const slope = context.number("negative_slope", 0);
  if (context.number("threshold", 0) !== 0) return context.fail("its threshold is not 0");
  const most = context.layer.config["max_value"] ?? null;
  if (most === 6 && slope === 0) return activate(context, context.input(), "relu6");
  if (most !== null) {
    if (typeof most !== "number" || slope !== 0) return context.fail(`its largest value is ${JSON.stringify(most)}`);
    const { value } = context.plain();
    const up = context.draft.push({ name: context.part("relu"), op: "relu", inputs: [value] });
    return context.make(context.draft.push({ name: context.output(), op: "atMost", inputs: [up], bound: most }));
  }
  return slope === 0 ? activate(context, context.input(), "relu") : leaky(context, slope);
};

const parametric: Layer = (context) => {
  const input = context.plain();
  const [channels] = context.shape(input);
  const slopes = context.vector("alpha", channels) ?? context.fail("the weights have no alpha of it");
  const weight = context.draft.keep(`${context.layer.name}.slopes`, [channels], slopes);
  return context.make(context.draft.push({ name: context.output(), op: "prelu", inputs: [input.value], weight }));
};

/** By the names of their classes. */
export const ACTIVATION_LAYERS: Readonly<Record<string, Layer>> = {
  Activation: (context) => activate(context, context.input(), context.text("activation")),
  ReLU: rectify,
  LeakyReLU: (context) => leaky(context, context.number("alpha", context.number("negative_slope", 0.3))),
  PReLU: parametric,
  ELU(context) {
    if (context.number("alpha", 1) !== 1) return context.fail("its alpha is not 1");
    return activate(context, context.input(), "elu");
  },
  Softmax: (context) => activate(context, context.input(), "softmax"),
};
