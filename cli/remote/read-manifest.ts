import type { ManifestInput } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { readJson } from "../files.ts";
import { readTexts } from "./job-filters.ts";
import { readBudget, readInteger } from "../integers.ts";

/** The options of `submit` that make a manifest, or change one that was read. */
export interface ManifestFlags {
  readonly manifest?: string | undefined;
  readonly name?: string | undefined;
  readonly purpose?: string | undefined;
  /** Separated by commas. */
  readonly tags?: string | undefined;
  readonly priority?: string | undefined;
  readonly budget?: string | undefined;
  readonly store?: string | undefined;
  readonly prefix?: string | undefined;
  readonly open?: boolean | undefined;
  readonly list?: string | undefined;
  readonly "list-store"?: string | undefined;
  readonly "output-store"?: string | undefined;
  readonly "output-prefix"?: string | undefined;
  readonly formats?: string | undefined;
  readonly layout?: string | undefined;
  /** Separated by commas. */
  readonly "group-by"?: string | undefined;
  /** Separated by commas. */
  readonly "partition-by"?: string | undefined;
  readonly format?: string | undefined;
  readonly faces?: string | undefined;
  readonly model?: string | undefined;
  readonly tta?: string | undefined;
  readonly abstain?: string | undefined;
  readonly pipeline?: string | undefined;
}

function pick(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** The manifest of a file, of the options, or of both: an option wins. The server checks it and names every finding. */
export async function readManifest(flags: ManifestFlags): Promise<ManifestInput> {
  const file = flags.manifest === undefined ? {} : await readJson(flags.manifest);
  const { name, purpose, store, format, faces, model, tta } = flags;
  const priority = readInteger("priority", flags.priority);
  const budget = readBudget("budget", flags.budget);
  const pipeline = readInteger("pipeline", flags.pipeline);
  const abstain = flags.abstain === undefined ? undefined : { precision: Number(flags.abstain) };
  if (flags.manifest === undefined && store === undefined) {
    throw new ScoringError("validation_failed", "give a manifest file, or --store with --prefix, --list or --open");
  }
  const [tags, groupBy, partitionBy] = [flags.tags, flags["group-by"], flags["partition-by"]].map((text) =>
    text === undefined ? undefined : readTexts(text),
  );
  const manifest = {
    ...file,
    ...pick({ name, purpose, tags, groupBy, priority, budget, format, faces, model, tta, abstain, pipeline }),
  };
  const list = flags.list === undefined ? undefined : { key: flags.list, ...pick({ store: flags["list-store"] }) };
  const source = { prefix: flags.prefix, manifest: list, open: flags.open === true ? true : undefined };
  const outputStore = flags["output-store"] ?? (file["output"] === undefined ? store : undefined);
  const place = { store: outputStore, prefix: flags["output-prefix"] };
  const output = { ...place, formats: flags.formats?.split(","), layout: flags.layout, partitionBy };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server checks all of it
  return {
    ...manifest,
    input: { ...asObject(file["input"]), ...pick({ store, ...source }) },
    output: { ...asObject(file["output"]), ...pick(output) },
  } as unknown as ManifestInput;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
