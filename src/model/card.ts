/** The model card: what a set of weights is, how it was made and how often it errs. */

import { z } from "zod";
import { ScoringError } from "../errors.ts";
import { graphSchema } from "./graph/graph.ts";
import { GRAY_48, inputFormSchema, isSameForm } from "./input-form.ts";
import { labelNameSchema, labelSetSchema } from "./label-set.ts";
import { LABELS } from "./labels.ts";

/** Network families; an engine table maps each to a constructor. */
export const FAMILIES = ["deep-emotion", "hog-svm", "graph"] as const;
export type Family = (typeof FAMILIES)[number];

const share = z.number().min(0).max(1);

const perClass = z.strictObject({
  label: labelNameSchema,
  precision: share,
  recall: share,
  f1: share,
  /** Faces that truly have this label. */
  support: z.int().nonnegative(),
});

/** Thresholds for "not sure" at one precision: `fitAbstention` of scoring/statistics. */
const abstentionPoint = z.strictObject({
  /** Of each label, as asked for. */
  precision: share,
  /** In label order: the lowest top probability at which a face gets the label; null where the label is never given. */
  thresholds: z.array(share.nullable()),
  /** Share of the faces that get a label, and the share of these labels that are right; both cross-fitted. */
  coverage: share,
  achieved: share,
});

/** Accuracy on one split of one data set, as `npm run evaluate` prints it. */
const evaluation = z.strictObject({
  /** For instance "FER2013 PublicTest". */
  dataset: z.string().min(1),
  /** The command that measures it again. */
  command: z.string().min(1),
  tta: z.enum(["none", "flip"]),
  faces: z.int().positive(),
  accuracy: share,
  /** Wilson 95 % interval of the accuracy. */
  interval: z.tuple([share, share]),
  balancedAccuracy: share,
  macroF1: share,
  /** Expected calibration error, 15 bins, without and with the temperature (cross-fitted). */
  ece: z.strictObject({ before: share, after: share.nullable() }),
  perClass: z.array(perClass),
  /** Row: true label; column: predicted label; both in label order. */
  confusion: z.array(z.array(z.int().nonnegative())),
  /** What abstaining costs and gains, by rising precision. Absent in cards made before it was measured. */
  abstention: z.array(abstentionPoint).optional(),
});

/** Accuracy, single pass, when every face of a data set is made small, compressed, blurred, dark or turned. */
const condition = z.strictObject({
  dataset: z.string().min(1),
  command: z.string().min(1),
  /** For instance "face of 24 pixels"; "as it is" is the data set itself. */
  condition: z.string().min(1),
  faces: z.int().positive(),
  accuracy: share,
  interval: z.tuple([share, share]),
  balancedAccuracy: share,
});

/** The form of a card. */
export const modelCardSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "must be lower-case letters and digits, with single dashes between"),
  version: z.int().positive(),
  family: z.enum(FAMILIES),
  /** Of weights.safetensors, lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** In the order of the network's outputs. */
  labels: labelSetSchema,
  /** What the network wants to see. */
  input: inputFormSchema.default(GRAY_48),
  /** `grid_sample`'s option; `null` for families without a sampler. */
  alignCorners: z.boolean().nullable(),
  /** Logits are divided by it before softmax; `null` if none was fitted. */
  temperature: z.number().positive().nullable(),
  /** Version of the preprocessing the weights were trained for. */
  pipeline: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  /** Trained numbers in the weights, running statistics not counted. */
  parameters: z.int().positive(),
  /** Shape of every tensor in the weights. */
  shapes: z.record(z.string(), z.array(z.int().nonnegative())),
  /** What a family needs beyond its tensors (cell size, bins, …). */
  settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).default({}),
  /** The network, for the family "graph" only. Its outputs: `logits` or `probabilities`, perhaps `embedding`. */
  graph: graphSchema.optional(),
  evaluations: z.array(evaluation),
  /** What pictures worse than those of the data set cost, in the order of measurement. */
  conditions: z.array(condition).optional(),
  training: z.strictObject({
    command: z.string().min(1),
    data: z.string().min(1),
    /** How the checkpoint was chosen, for instance "best PublicTest accuracy". */
    selection: z.string().min(1),
  }),
  license: z.string().min(1),
  /** What users must know: limits, known faults of other implementations, law. */
  notices: z.array(z.string().min(1)),
});

/** A checked card. See the fields' comments in this file. */
export type ModelCard = Readonly<z.infer<typeof modelCardSchema>>;
/** Accuracy figures of a card. */
export type ModelEvaluation = z.infer<typeof evaluation>;
/** Accuracy of a card under one condition. */
export type ModelCondition = z.infer<typeof condition>;

/** Notices that belong in every card of the family "deep-emotion". */
export const DEEP_EMOTION_NOTICES = [
  "Dropout is off when scoring. The public implementation calls F.dropout(out) without training=, so its own evaluation drops units at random; that is a bug, not a property of the network.",
  "The labels name an apparent facial expression, never what a person feels.",
] as const;

/**
 * Checks a card: JSON text or a value already parsed.
 * @throws ScoringError `model_invalid` with one issue per finding
 */
export function parseModelCard(input: unknown): ModelCard {
  let value = input;
  if (typeof input === "string") {
    try {
      value = JSON.parse(input);
    } catch (cause) {
      throw new ScoringError("model_invalid", "the model card is not JSON", { cause });
    }
  }
  const result = modelCardSchema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.map(({ path, code, message }) => ({ path: path.join("."), code, message }));
    const first = issues[0];
    throw new ScoringError("model_invalid", `the model card: ${first?.path || "."}: ${first?.message}`, { issues });
  }
  const card = result.data;
  const fault = findFault(card);
  if (fault === null) return card;
  const [path, message] = fault;
  const issues = [{ path, code: "custom", message }];
  throw new ScoringError("model_invalid", `the model card: ${path}: ${message}`, { issues });
}

/** Where one field says something against another, and what. */
function findFault(card: ModelCard): readonly [path: string, message: string] | null {
  const { family, labels, input } = card;
  if (family === "deep-emotion" && card.alignCorners === null)
    return ["alignCorners", "needed by the family deep-emotion"];
  if ((family === "graph") !== (card.graph !== undefined))
    return ["graph", "belongs to the family graph, and to no other"];
  if (family !== "graph" && labels.join() !== LABELS.join()) {
    return ["labels", `the family ${family} has ${LABELS.join(", ")}`];
  }
  if (family !== "graph" && !isSameForm(input, GRAY_48))
    return ["input", `the family ${family} takes 48×48 gray, −1…1`];
  for (const [at, { perClass, confusion, abstention = [] }] of card.evaluations.entries()) {
    const fits =
      perClass.map(({ label }) => label).join() === labels.join() &&
      [confusion, ...confusion, ...abstention.map(({ thresholds }) => thresholds)].every(
        (values) => values.length === labels.length,
      );
    if (!fits) return [`evaluations.${at}`, `its figures are not of ${labels.join(", ")}`];
  }
  return null;
}

/** `name@version`, the model's id everywhere. */
export function formatModelId(card: Pick<ModelCard, "name" | "version">): string {
  return `${card.name}@${card.version}`;
}

/**
 * The sampler's option of a Deep_Emotion card.
 * @throws ScoringError `model_invalid` for a card of another family
 */
export function requireAlignCorners(card: ModelCard): boolean {
  if (card.family !== "deep-emotion" || card.alignCorners === null) {
    throw new ScoringError("model_invalid", `${formatModelId(card)} is of the family ${card.family}, not deep-emotion`);
  }
  return card.alignCorners;
}
