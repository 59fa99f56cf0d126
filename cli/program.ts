import tab from "@bomb.sh/tab/citty";
import { defineCommand, runCommand, runMain } from "citty";
import { type ErrorCode, ScoringError } from "../src/errors.ts";
import { checkWords, findCommand, UsageError } from "./command-line.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { eraseCommand } from "./remote/erase-command.ts";
import { keyCommand } from "./remote/key-command.ts";
import { workCommand } from "./remote/work-command.ts";
import { remoteCommands } from "./remote/job-commands.ts";
import { scheduleCommand } from "./remote/schedule-command.ts";
import { benchCommand } from "./score/bench-command.ts";
import { scoreCommand } from "./score/score-command.ts";

/** Every command, in the order of the help. */
const main = defineCommand({
  meta: { name: "countenance", description: "Score the apparent facial expression of faces in batches" },
  subCommands: {
    score: scoreCommand,
    ...remoteCommands,
    erase: eraseCommand,
    schedule: scheduleCommand,
    key: keyCommand,
    work: workCommand,
    bench: benchCommand,
  },
});

// Adds `complete <shell>`, and answers what the shell then asks.
await tab(main);

/** What to do next, by code. */
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: "set COUNTENANCE_KEY to an API key of this server, or pass --key",
  forbidden: "ask for a key with these rights: countenance key create --help",
  api_unavailable: "set COUNTENANCE_URL to the server's address, or pass --url; `npm start` starts one on this machine",
  rate_limited: "wait a minute",
  not_found: "countenance list shows the jobs of this key",
};

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

/** What, and where; no stack for what the caller can mend. @param command as it is written, for what to read next */
function explain(error: unknown, command: string): number {
  if (error instanceof ScoringError) {
    process.stderr.write(`error: ${error.detail}\n`);
    for (const issue of error.issues) {
      process.stderr.write(`  ${issue.path}${issue.line === undefined ? "" : `:${issue.line}`}: ${issue.message}\n`);
    }
    const hint = HINTS[error.code];
    if (hint !== undefined) process.stderr.write(`  ${hint}\n`);
    return chooseErrorCode(error);
  }
  if (error instanceof UsageError || (error instanceof Error && error.name === "CLIError")) {
    process.stderr.write(`error: ${error.message}\n  ${command} --help lists what there is\n`);
    return EXIT_CODES.usage;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_CODES.failed;
}

const rawArgs = process.argv.slice(2);
if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) {
  await runMain(main, { rawArgs: rawArgs.length === 0 ? ["--help"] : rawArgs });
} else {
  const command = await findCommand(main, rawArgs);
  try {
    checkWords(command);
    await runCommand(main, { rawArgs });
  } catch (error) {
    process.exitCode = explain(error, command.name);
  }
}
