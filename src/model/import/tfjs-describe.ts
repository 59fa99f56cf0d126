/** What a model.json of tfjs says of itself: its format, its files, its input and its output. */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { tfjsNode } from "./tfjs-node.ts";
import { type TfjsManifest, tfjsManifestSchema } from "./tfjs-weights.ts";

const fileSchema = z.object({
  format: z.string().optional(),
  modelTopology: z.object({ node: z.array(tfjsNode).max(8192).optional() }).loose(),
  weightsManifest: tfjsManifestSchema,
});

const shapeSchema = z.object({
  shape: z.object({ shape: z.object({ dim: z.array(z.object({ size: z.coerce.number().int() })).max(8) }) }),
});

/** A model that is not read yet. */
export interface TfjsDescription {
  readonly format: "graph-model" | "layers-model";
  /** The files of the weights, and what is in them. */
  readonly manifest: TfjsManifest;
  /** What the file says of the network. */
  readonly topology: unknown;
  /** The graph's input: what the file says, and what it leaves open. @throws ScoringError `model_invalid` */
  describeInput(asked: { readonly size?: number | undefined; readonly channels?: number | undefined }): Graph["input"];
  /** Name of the only node that nothing reads. @throws ScoringError `model_invalid` */
  findOutput(): string;
}

/** Looks at a parsed model.json. @throws ScoringError `model_invalid` */
export function describeTfjsModel(json: unknown): TfjsDescription {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { format = "layers-model", modelTopology, weightsManifest } = parsed.data;
  if (format !== "graph-model" && format !== "layers-model") return fail(`its format is ${format}`);
  const nodes = modelTopology.node ?? [];
  return {
    format,
    manifest: weightsManifest,
    topology: modelTopology,
    describeInput({ size, channels }) {
      const inputs = nodes.filter(({ op }) => op === "Placeholder");
      const [input] = inputs;
      if (input === undefined || inputs.length > 1) return fail(`it has ${inputs.length} inputs, not one`);
      const shape = shapeSchema.safeParse({ shape: input.attr["shape"] });
      const dims = shape.success ? shape.data.shape.shape.dim.map(({ size: side }) => side) : [];
      const [, height, width, depth] = dims;
      const settle = (fixed: number | undefined, wanted: number | undefined, what: string): number => {
        if (fixed !== undefined && fixed > 0) {
          if (wanted === undefined || wanted === fixed) return fixed;
          return fail(`its input has ${fixed} ${what}, not ${wanted}`);
        }
        return wanted ?? fail(`its input does not say how many ${what} it has`);
      };
      return {
        name: input.name,
        channels: settle(depth, channels, "channels"),
        height: settle(height, size, "rows"),
        width: settle(width, size, "columns"),
        multipleOf: 1,
      };
    },
    findOutput() {
      const read = new Set(
        nodes.flatMap(({ input }) => input.map((name) => name.replace(/^\^/, "").replace(/:\d+$/, ""))),
      );
      const loose = nodes.filter(({ name, op }) => !read.has(name) && op !== "Const" && op !== "Placeholder");
      const [only] = loose;
      if (only !== undefined && loose.length === 1) return only.name;
      return fail(`it has the outputs ${loose.map(({ name }) => name).join(", ") || "none"}: name one`);
    },
  };
}

function fail(reason: string): never {
  throw new ScoringError("model_invalid", `tfjs model: ${reason}`);
}
