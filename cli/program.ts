import tab from "@bomb.sh/tab/citty";
import { stripVTControlCharacters } from "node:util";
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand, runMain } from "citty";
import { type ErrorCode, ScoringError } from "../src/errors.ts";
import { VERSION } from "../src/version.ts";
import { checkWords, findCommand, UsageError } from "./command-line.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { compareCommand } from "./compare/compare-command.ts";
import { eraseCommand } from "./remote/erase-command.ts";
import { deadLettersCommand } from "./remote/dead-letters-command.ts";
import { keyCommand } from "./remote/key-command.ts";
import { workCommand } from "./remote/work-command.ts";
import { describeIssue, showText } from "./terminal-text.ts";
import { print } from "./remote/connection.ts";
import { reviewCommand } from "./remote/review-command.ts";
import { remoteCommands } from "./remote/job-commands.ts";
import { modelsCommand } from "./models/models-command.ts";
import { scheduleCommand } from "./remote/schedule-command.ts";
import { benchCommand } from "./score/bench-command.ts";
import { serveCommand } from "./serve/serve-command.ts";
import { scoreCommand } from "./score/score-command.ts";

/** Every command, in the order of the help. */
const main = defineCommand({
  meta: {
    name: "countenance",
    version: VERSION,
    description: "Score the apparent facial expression of faces in batches",
  },
  subCommands: {
    score: scoreCommand,
    ...remoteCommands,
    compare: compareCommand,
    erase: eraseCommand,
    review: reviewCommand,
    schedule: scheduleCommand,
    key: keyCommand,
    "dead-letters": deadLettersCommand,
    work: workCommand,
    models: modelsCommand,
    bench: benchCommand,
    serve: serveCommand,
  },
});

// `… | head` stops reading early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

// Adds `complete <shell>`, and answers the shell's requests for completions.
await tab(main);

/** What to do next, by code. */
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: "set COUNTENANCE_KEY to an API key of this server, or pass --key",
  forbidden: "ask an admin for a key with these rights: countenance key create --help",
  api_unavailable: "set COUNTENANCE_URL to the server's address, or pass --url; `npm start` starts one on this machine",
  rate_limited: "wait a minute",
};

/** The command that lists what a command acts on. */
function hintList(command: string): string {
  if (command.startsWith("countenance key ")) return "countenance key list shows the keys";
  if (command.startsWith("countenance dead-letters ")) return "countenance dead-letters list shows them";
  if (command.startsWith("countenance schedule ")) return "countenance schedule list shows the schedules of this key";
  return "countenance list shows the jobs of this key";
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "unauthorized",
  "forbidden",
  "address_forbidden",
  "rate_limited",
  "quota_exceeded",
]);

function chooseErrorCode(error: ScoringError): number {
  if (REFUSALS.has(error.code)) return EXIT_CODES.refused;
  if (error.disposition === "transient") return EXIT_CODES.unavailable;
  return error.disposition === "request" ? EXIT_CODES.usage : EXIT_CODES.failed;
}

/** Prints what went wrong and where, without a stack if the caller can fix it. @param command as it is written, to point to its help */
function explain(error: unknown, command: string): number {
  if (error instanceof ScoringError) {
    process.stderr.write(`error: ${showText(error.detail)}\n`);
    for (const issue of error.issues) process.stderr.write(`${describeIssue(issue)}\n`);
    const hint = error.code === "not_found" ? hintList(command) : HINTS[error.code];
    if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
    return chooseErrorCode(error);
  }
  if (error instanceof UsageError || (error instanceof Error && error.name === "CLIError")) {
    process.stderr.write(
      `error: ${stripVTControlCharacters(error.message)}\n  ${command} --help lists what there is\n`,
    );
    return EXIT_CODES.usage;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_CODES.failed;
}

/** citty colors whatever it prints, even into files. */
async function showUsage<T extends ArgsDef>(command: CommandDef<T>, parent?: CommandDef<T>): Promise<void> {
  const usage = await renderUsage(command, parent);
  const isColored = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "";
  print((isColored ? usage : stripVTControlCharacters(usage)).replace(/ +$/gm, ""));
}

const rawArgs = process.argv.slice(2);
const asked = rawArgs.length === 0 ? ["--help"] : rawArgs;
if (asked.some((word) => word === "--help" || word === "-h") || (asked.length === 1 && asked[0] === "--version")) {
  await runMain(main, { rawArgs: asked, showUsage });
} else {
  const command = await findCommand(main, asked);
  try {
    checkWords(command);
    await runCommand(main, { rawArgs: asked });
  } catch (error) {
    process.exitCode = explain(error, command.name);
  }
}
