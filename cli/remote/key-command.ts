import { defineCommand } from "citty";
import type { NewKey, ShownKey } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { SCOPES, type Scope } from "../../src/scoring/access/access.ts";
import { readBudget, readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";

const ID_ARG = { type: "positional", description: "The key's id", required: true } as const;

function showKey(shown: ShownKey, json: boolean): void {
  if (json) return printJson(shown);
  print(shown.key);
  process.stderr.write(`key ${shown.id}; its text is shown only this once\n`);
}

function readScopes(text: string | undefined): Scope[] | undefined {
  return text?.split(",").map((name) => {
    const scope = SCOPES.find((known) => known === name.trim());
    if (scope === undefined)
      throw new ScoringError("validation_failed", `--scopes must be some of ${SCOPES.join(", ")}`);
    return scope;
  });
}

const create = defineCommand({
  meta: { name: "create", description: "Make a key and print it, once" },
  args: {
    name: { type: "positional", description: "Who it is for", required: true },
    scopes: { type: "string", description: `Of ${SCOPES.join(",")}; default all but admin` },
    grants: { type: "string", description: "store/prefix/ or store, separated by commas; default every store" },
    purposes: { type: "string", description: "Purposes that jobs may declare, separated by commas; default any" },
    "max-jobs": { type: "string", description: "Jobs at once" },
    "max-priority": { type: "string", description: "Highest priority of its jobs; default 0" },
    "max-images-per-day": { type: "string", description: "Images per day (UTC)" },
    budget: { type: "string", description: "Dollars that its jobs may cost in one month (UTC)" },
    "expires-in-seconds": { type: "string", description: "When it ends; default never" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const grants = args.grants?.split(",").map((text) => {
      const at = text.indexOf("/");
      return at < 0 ? { store: text, prefix: "" } : { store: text.slice(0, at), prefix: text.slice(at + 1) };
    });
    const wanted = {
      name: args.name,
      scopes: readScopes(args.scopes),
      grants,
      purposes: args.purposes?.split(","),
      maxJobs: readInteger("max-jobs", args["max-jobs"]),
      maxPriority: readInteger("max-priority", args["max-priority"]),
      maxImagesPerDay: readInteger("max-images-per-day", args["max-images-per-day"]),
      budget: readBudget("budget", args.budget),
      expiresInSeconds: readInteger("expires-in-seconds", args["expires-in-seconds"]),
    } satisfies { readonly [K in keyof NewKey]: NewKey[K] | undefined };
    showKey(await connect(args).makeKey(wanted), args.json);
  },
});

const list = defineCommand({
  meta: { name: "list", description: "All keys, without their texts" },
  args: CONNECTION_ARGS,
  async run({ args }) {
    const keys = await connect(args).listKeys();
    if (args.json) return printJson(keys);
    for (const { id, name, scopes, expired } of keys)
      print(`${id}  ${showText(name)}  ${scopes.join(",")}${expired ? "  expired" : ""}`);
  },
});

const rotate = defineCommand({
  meta: { name: "rotate", description: "A new text for a key; its jobs stay" },
  args: {
    id: ID_ARG,
    "overlap-seconds": { type: "string", description: "How long the old text stays valid", default: "86400" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const overlap = readInteger("overlap-seconds", args["overlap-seconds"]) ?? 86_400;
    showKey(await connect(args).rotateKey(args.id, overlap), args.json);
  },
});

const remove = defineCommand({
  meta: { name: "remove", description: "Remove a key: it stops working at once" },
  args: { id: ID_ARG, ...CONNECTION_ARGS },
  run: ({ args }) => connect(args).removeKey(args.id),
});

const webhookSecret = defineCommand({
  meta: { name: "webhook-secret", description: "The secret with which webhooks of this key's jobs are signed" },
  args: { ...CONNECTION_ARGS },
  async run({ args }) {
    const secret = await connect(args).readWebhookSecret();
    if (args.json) printJson({ secret });
    else print(secret);
  },
});

/** `countenance key`: for admin keys, but for the secret of webhooks. */
export const keyCommand = defineCommand({
  meta: { name: "key", description: "Make, list, rotate and remove API keys" },
  subCommands: { create, list, rotate, remove, "webhook-secret": webhookSecret },
});
