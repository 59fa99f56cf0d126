import { ScoringError, type Issue } from "../../errors.ts";
import { listTensorShapes, readNetworkWidths, type NetworkWidths } from "../graph/deep-emotion-tensors.ts";
import { formatShape, type Tensor } from "../tensor.ts";

/** Weights that fit the family "deep-emotion". */
export interface FittedWeights {
  readonly widths: NetworkWidths;
  /** The tensors of the network under their own names. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What stood before every name, such as `model.` in a Lightning checkpoint. */
  readonly prefix: string;
  /** Tensors outside that prefix, which belong to something else (a loss, an average). */
  readonly ignored: readonly string[];
}

/** The published network; see docs/model.md, "The network". */
const PUBLISHED: NetworkWidths = { localization: [8, 10], localizationHidden: 32, conv: [10, 10, 10, 10], hidden: 50 };

const ANCHOR = "localization.0.weight";

function findPrefix(names: readonly string[]): string {
  const prefixes = names
    .filter((name) => name === ANCHOR || name.endsWith(`.${ANCHOR}`))
    .map((name) => name.slice(0, -ANCHOR.length));
  const [prefix] = prefixes;
  if (prefix === undefined) {
    const some = names.slice(0, 4).join(", ");
    throw new ScoringError(
      "checkpoint_invalid",
      `tensor ${ANCHOR} is missing: this is another network (it has ${some || "no tensors"})`,
    );
  }
  if (prefixes.length > 1) {
    throw new ScoringError(
      "checkpoint_invalid",
      `the checkpoint holds several networks: ${prefixes.slice(0, 4).join(", ")}`,
    );
  }
  return prefix;
}

/** Shapes that differ from the published network's. */
function comparePublished(tensors: ReadonlyMap<string, Tensor>): Issue[] {
  const issues: Issue[] = [];
  for (const [name, shape] of listTensorShapes(PUBLISHED)) {
    const found = tensors.get(name)?.shape;
    if (found === undefined || formatShape(found) === formatShape(shape)) continue;
    issues.push({ path: name, code: "tensor", message: `is ${formatShape(found)}, expected ${formatShape(shape)}` });
  }
  return issues;
}

/**
 * Checks that tensors are those of the network, of any width, and takes them out of whatever prefix they have.
 *
 * `num_batches_tracked` is neither needed nor kept. A shape is measured against the widths that the weights themselves
 * show and against the published ones; the reading with fewer findings is reported, so that one wrong tensor is named
 * and not all that depend on it.
 * @throws ScoringError `checkpoint_invalid` with one issue per tensor, naming it and both shapes
 */
export function fitDeepEmotion(source: ReadonlyMap<string, Tensor>): FittedWeights {
  const prefix = findPrefix([...source.keys()]);
  const tensors = new Map<string, Tensor>();
  const ignored: string[] = [];
  for (const [name, tensor] of source) {
    if (!name.startsWith(prefix)) ignored.push(name);
    else if (!name.endsWith(".num_batches_tracked")) tensors.set(name.slice(prefix.length), tensor);
  }
  try {
    return { widths: readNetworkWidths(tensors), tensors, prefix, ignored };
  } catch (error) {
    if (!(error instanceof ScoringError)) throw error;
    const published = comparePublished(tensors);
    const wrongShapes = error.issues.filter(({ message }) => message.startsWith("is "));
    const shorter = published.length > 0 && published.length < wrongShapes.length;
    const issues = shorter
      ? [...published, ...error.issues.filter((issue) => !wrongShapes.includes(issue))]
      : error.issues;
    const [first] = issues;
    const detail = first === undefined ? error.detail : `tensor ${first.path} ${first.message}`;
    throw new ScoringError("checkpoint_invalid", detail, { issues, cause: error });
  }
}
