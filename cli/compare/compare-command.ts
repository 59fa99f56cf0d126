import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { compareFaces } from "../../src/scoring/statistics/compare-faces.ts";
import { readInteger } from "../integers.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "../remote/connection.ts";
import { renderComparison } from "./comparison-text.ts";
import { openRecords } from "./record-source.ts";

/** Faces of a list that somebody may read. */
const MOST = 10_000;

const describe = (which: string): string => `The ${which} job's id, or a folder that \`score\` wrote`;

/** `countenance compare`: two jobs over the same pictures, face by face. */
export const compareCommand = defineCommand({
  meta: { name: "compare", description: "Two jobs over the same pictures, or two folders of `score`, face by face" },
  args: {
    first: { type: "positional", description: describe("first"), required: true },
    second: { type: "positional", description: describe("second"), required: true },
    most: { type: "string", description: "Faces to list, those first on which the two differ most", default: "20" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const maxSamples = readInteger("most", args.most) ?? 20;
    if (maxSamples < 0 || maxSamples > MOST) {
      throw new ScoringError("validation_failed", `--most: must be 0 to ${MOST}, not ${maxSamples}`);
    }
    const open = (text: string) => openRecords(text, () => connect(args));
    const [first, second] = [await open(args.first), await open(args.second)];
    const compared = await compareFaces(first.records, second.records, {
      maxWaiting: LIMITS.maxUnpairedFaces,
      maxSamples,
    });
    if (args.json) printJson({ first: first.name, second: second.name, ...compared });
    else for (const line of renderComparison(first.name, second.name, compared)) print(line);
  },
});
