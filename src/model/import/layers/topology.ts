/** The layers of a tfjs LayersModel (Keras' own description of a model) in the order in which they run. */

import { z } from "zod";
import { ScoringError } from "../../../errors.ts";

const layerSchema = z.object({
  class_name: z.string().min(1).max(200),
  name: z.string().min(1).max(200).optional(),
  config: z.record(z.string(), z.unknown()),
  inbound_nodes: z.array(z.unknown()).max(64).optional(),
});

const nodeSchema = z.array(z.tuple([z.string(), z.int().nonnegative(), z.int().nonnegative()]).rest(z.unknown()));

const ends = z.union([
  z.array(z.tuple([z.string(), z.int(), z.int()])).max(64),
  // One end may stand without a list around it.
  z.tuple([z.string(), z.int(), z.int()]).transform((end) => [end]),
]);

const functionalSchema = z.object({ layers: z.array(layerSchema), input_layers: ends, output_layers: ends });
const sequentialSchema = z.union([
  z.array(layerSchema),
  z.object({ layers: z.array(layerSchema) }).transform(({ layers }) => layers),
]);

const described = z.object({ class_name: z.string(), config: z.unknown() });
const topologySchema = z.union([z.object({ model_config: described }).transform((one) => one.model_config), described]);

/** One layer. */
export interface KerasLayer {
  readonly op: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers whose outputs it reads. */
  readonly inputs: readonly string[];
}

/** A model's layers. */
export interface KerasTopology {
  /** Each after its inputs, those that no output needs left out. */
  readonly layers: readonly KerasLayer[];
  readonly input: KerasLayer;
  /** Names of the layers that the model gives out. */
  readonly outputs: readonly string[];
}

/** Says what is wrong with a model. @throws ScoringError `model_invalid` */
export function failModel(reason: string): never {
  throw new ScoringError("model_invalid", `tfjs model: ${reason}`);
}

/** Says what is wrong with a layer. @throws ScoringError `model_invalid` */
export function fail({ op, name }: Pick<KerasLayer, "op" | "name">, reason: string): never {
  return failModel(`${op} ${name}: ${reason}`);
}

/**
 * Reads the layers of a `modelTopology`, those that `wanted` or else the model's outputs need.
 * @throws ScoringError `model_invalid`
 */
export function readTopology(value: unknown, wanted: readonly string[] | null, maxLayers: number): KerasTopology {
  const model = check(topologySchema, value, "modelTopology");
  const { layers, outputs } =
    model.class_name === "Sequential" ? readSequence(model.config) : readFunctional(model.class_name, model.config);
  if (layers.length > maxLayers) return failModel(`it has ${layers.length} layers; ${maxLayers} are the most`);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  if (byName.size < layers.length) return failModel("two of its layers have one name");
  const needed = sortLayers(byName, wanted ?? outputs);
  const inputs = needed.filter(({ op }) => op === "InputLayer");
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) return failModel(`it has ${inputs.length} inputs, not one`);
  return { layers: needed, input, outputs };
}

function check<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return failModel(`${[place, ...(issue?.path ?? [])].join(".")}: ${issue?.message}`);
}

type Listed = { readonly layers: readonly KerasLayer[]; readonly outputs: readonly string[] };

function nameLayer(
  { class_name: op, name, config }: z.output<typeof layerSchema>,
  inputs: readonly string[],
): KerasLayer {
  const own = config["name"];
  return { op, name: name ?? (typeof own === "string" ? own : failModel(`a layer ${op} has no name`)), config, inputs };
}

function readSequence(config: unknown): Listed {
  const listed = check(sequentialSchema, config, "config");
  const layers: KerasLayer[] = [];
  const [first] = listed;
  if (first === undefined) return failModel("it has no layers");
  // The input is the first layer's own where no layer says it.
  if (first.class_name !== "InputLayer") {
    layers.push({ op: "InputLayer", name: "(input)", config: first.config, inputs: [] });
  }
  for (const layer of listed) {
    const before = layers.at(-1);
    layers.push(nameLayer(layer, before === undefined ? [] : [before.name]));
  }
  return { layers, outputs: layers.slice(-1).map(({ name }) => name) };
}

function readFunctional(op: string, config: unknown): Listed {
  if (op !== "Functional" && op !== "Model") return failModel(`it is of the class ${op}`);
  const { layers, output_layers: outputs } = check(functionalSchema, config, "config");
  return {
    layers: layers.map((layer) => nameLayer(layer, readInputs(nameLayer(layer, []), layer.inbound_nodes ?? []))),
    outputs: outputs.map(([name]) => name),
  };
}

function readInputs(layer: KerasLayer, nodes: readonly unknown[]): readonly string[] {
  if (nodes.length === 0) return [];
  if (nodes.length > 1) return fail(layer, `it is used ${nodes.length} times; a layer in one place is known`);
  const parsed = nodeSchema.safeParse(nodes[0]);
  if (!parsed.success)
    return fail(layer, "its inputs are not named as Keras 2 and tfjs do: export ONNX, or a GraphModel");
  return parsed.data.map(([name, node, tensor]) =>
    node === 0 && tensor === 0 ? name : fail(layer, `it reads output ${tensor} of use ${node} of ${name}`),
  );
}

/** The layers that `outputs` need, each after its inputs. */
function sortLayers(byName: ReadonlyMap<string, KerasLayer>, outputs: readonly string[]): KerasLayer[] {
  const sorted = new Set<KerasLayer>();
  const entered = new Set<string>();
  const open = outputs.map((name) => ({ name, entered: false }));
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const layer = byName.get(top.name) ?? failModel(`no layer is named ${top.name}`);
    if (sorted.has(layer) || top.entered) {
      sorted.add(layer);
      open.pop();
      continue;
    }
    if (entered.has(layer.name)) return fail(layer, "it depends on itself");
    entered.add(layer.name);
    top.entered = true;
    for (const name of layer.inputs) if (!sorted.has(byName.get(name)!)) open.push({ name, entered: false });
  }
  return [...sorted];
}
