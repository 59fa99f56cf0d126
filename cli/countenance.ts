#!/usr/bin/env node
import { defineCommand, runCommand, runMain } from "citty";
import { ScoringError } from "../src/errors.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { scoreCommand } from "./score/score-command.ts";

/** Every command, in the order of the help. */
const main = defineCommand({
  meta: { name: "countenance", description: "Score the apparent facial expression of faces in batches" },
  subCommands: { score: scoreCommand },
});

/** What, and where; no stack for what the caller can mend. */
function explain(error: unknown): number {
  if (error instanceof ScoringError) {
    process.stderr.write(`error: ${error.detail}\n`);
    for (const issue of error.issues) process.stderr.write(`  ${issue.path}: ${issue.message}\n`);
    return error.disposition === "request" ? EXIT_CODES.usage : EXIT_CODES.failed;
  }
  // citty's own findings about the command line.
  if (error instanceof Error && error.name === "CLIError") {
    process.stderr.write(`error: ${error.message}\n  countenance --help lists the commands and options\n`);
    return EXIT_CODES.usage;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT_CODES.failed;
}

const rawArgs = process.argv.slice(2);
if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) {
  await runMain(main, { rawArgs: rawArgs.length === 0 ? ["--help"] : rawArgs });
} else {
  try {
    await runCommand(main, { rawArgs });
  } catch (error) {
    process.exitCode = explain(error);
  }
}
