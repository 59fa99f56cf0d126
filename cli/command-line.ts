/** Refuses what citty lets pass: options that a command does not have, options without a value, words that nothing reads. */

import { parseArgs } from "node:util";
import type { ArgsDef, CommandDef, Resolvable } from "citty";
import { suggest } from "../src/scoring/manifest/did-you-mean.ts";

/** The command line is wrong; nothing was done. */
export class UsageError extends Error {}

/** The command that a command line means. */
export interface FoundCommand {
  /** The command as it is written: `countenance key create`. */
  readonly name: string;
  /** Names of its subcommands, of which one should have followed. */
  readonly commands: readonly string[];
  readonly args: ArgsDef;
  /** The words after its name. */
  readonly words: readonly string[];
}

const isMade = <T>(value: Resolvable<T>): value is (() => T) | (() => Promise<T>) => typeof value === "function";

async function resolve<T>(value: Resolvable<T>): Promise<T> {
  return isMade(value) ? value() : value;
}

/** Follows the words from `main` on as far as they name commands. */
export async function findCommand(main: CommandDef, words: readonly string[]): Promise<FoundCommand> {
  let command = main;
  let name = "countenance";
  for (let at = 0; ; at++) {
    const commands = new Map(Object.entries(await resolve(command.subCommands ?? {})));
    const next = commands.get(words[at] ?? "");
    const isLeftOut = next === undefined && (words[at]?.startsWith("-") ?? true);
    const byDefault = isLeftOut ? commands.get((await resolve(command.default)) ?? "") : undefined;
    if (byDefault !== undefined) {
      const { args } = await resolve(byDefault);
      return { name, commands: [], args: await resolve(args ?? {}), words: words.slice(at) };
    }
    if (next === undefined) {
      return { name, commands: [...commands.keys()], args: await resolve(command.args ?? {}), words: words.slice(at) };
    }
    command = await resolve(next);
    name += ` ${words[at]}`;
  }
}

/**
 * A mistyped `--grants` would make a key that opens everything, a mistyped `--dry-run` a job.
 * @throws UsageError
 */
export function checkWords({ name: command, commands, args, words }: FoundCommand): void {
  if (commands.length > 0) {
    if (words[0] === undefined) throw new UsageError("a command is missing");
    throw new UsageError(`there is no command ${words[0]}${suggest(words[0], commands)}`);
  }
  // It completes other command lines.
  if (command === "countenance complete") return;
  const takesValue = (name: string): boolean => args[name]?.type === "string" || args[name]?.type === "enum";
  const isSwitch = (name: string): boolean => args[name]?.type === "boolean";
  const names = Object.keys(args).filter((name) => takesValue(name) || isSwitch(name));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(names.map((name) => [name, { type: isSwitch(name) ? "boolean" : "string" }] as const)),
    strict: false,
    tokens: true,
  });
  const positional = Object.values(args).filter(({ type }) => type === "positional");
  // The last one may stand for many.
  let places = positional.at(-1)?.valueHint?.endsWith("…") === true ? Infinity : positional.length;
  for (const token of tokens) {
    if (token.kind === "positional" && --places < 0)
      throw new UsageError(`${JSON.stringify(token.value)} is one word too many`);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    if (takesValue(name)) {
      if (value === undefined || value === "" || (!inlineValue && value.startsWith("--"))) {
        throw new UsageError(`${rawName} needs a value`);
      }
    } else if (isSwitch(name) ? value !== undefined : !isSwitch(name.replace(/^no-/, ""))) {
      if (isSwitch(name)) throw new UsageError(`${rawName} takes no value`);
      throw new UsageError(`there is no option ${rawName}${suggest(name, names, "--")}`);
    }
  }
}
