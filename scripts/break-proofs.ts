/**
 * Breaks every promise of scripts/proofs/ once, in a copy of the working tree, and expects its test to fail.
 * `npm run proofs` runs all and writes the table of docs/proofs.md; `npm run proofs -- words` runs those whose promise or file has the words.
 */

import { execFile, execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Mutation } from "./proofs/mutation.ts";
import { MUTATIONS } from "./proofs/mutations.ts";

const root = join(import.meta.dirname, "..");
const DOCUMENT = "docs/proofs.md";
const MARKS = ["<!-- written by npm run proofs -->", "<!-- end -->"] as const;
/** Seeds per simulated property: a few find what is broken for all. */
const RUNS = "12";
const TIMEOUT_MS = 10 * 60_000;

interface Verdict {
  readonly mutation: Mutation;
  /** The first complaint of the test; `null` if it passed or never ran. */
  readonly complaint: string | null;
  readonly output: string;
}

const words = process.argv.slice(2).join(" ").toLowerCase();
const chosen = MUTATIONS.filter(({ promise, file }) => `${promise} ${file}`.toLowerCase().includes(words));
/** What runs in Node alone comes first: it says most, and soonest. */
const COST = { node: 0, browser: 1, workerd: 2, e2e: 3 } as const;
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root }).toString().trim();
const waiting = chosen.toSorted((a, b) => COST[a.project] - COST[b.project]);
const verdicts: Verdict[] = [];
const folder = await mkdtemp(join(tmpdir(), "countenance-proofs-"));
try {
  await Promise.all(
    Array.from({ length: Math.min(2, availableParallelism()) }, (_, at) => work(join(folder, `${at}`))),
  );
  const missed = verdicts.filter(({ complaint }) => complaint === null);
  console.log(`${verdicts.length - missed.length} of ${verdicts.length} mutations were seen by their test`);
  if (missed.length > 0) process.exitCode = 1;
  else if (words === "") await writeTable();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Takes one mutation after the other, in a copy of its own. */
async function work(copy: string): Promise<void> {
  await copyTree(copy);
  for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
    const verdict = await tryMutation(copy, mutation);
    verdicts.push(verdict);
    console.log(`${verdict.complaint === null ? "NOT SEEN" : "seen"}: ${mutation.promise}`);
    console.log(verdict.complaint === null ? verdict.output.slice(-3000) : `  ${verdict.complaint}`);
  }
}

async function copyTree(copy: string): Promise<void> {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root })
    .toString()
    .split("\0")
    .filter((path) => path !== "");
  for (const path of files) {
    await mkdir(join(copy, dirname(path)), { recursive: true });
    await cp(join(root, path), join(copy, path));
  }
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
}

async function tryMutation(copy: string, mutation: Mutation): Promise<Verdict> {
  const { file, from, to, project, test, name } = mutation;
  const path = join(copy, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(from)) return { mutation, complaint: null, output: `${file} no longer has: ${from}` };
  await writeFile(
    path,
    text.replace(from, () => to),
  );
  try {
    const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const { failed, output } = await runTest(copy, ["--project", project, test, "-t", pattern]);
    // A file that cannot be loaded fails too, and proves nothing.
    const ran = /Tests\s+\d+ failed/.test(output);
    return { mutation, complaint: failed && ran ? findComplaint(output) : null, output };
  } finally {
    await writeFile(path, text);
  }
}

function runTest(
  copy: string,
  options: readonly string[],
): Promise<{ readonly failed: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const env = { ...process.env, SIMULATION_RUNS: RUNS, NO_COLOR: "1", FORCE_COLOR: "0" };
    execFile(
      process.execPath,
      [vitest, "run", ...options],
      { cwd: copy, env, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ failed: error !== null, output: `${stdout}\n${stderr}` }),
    );
  });
}

/** The message under the first FAIL, in one line. */
function findComplaint(output: string): string {
  const lines = output.slice(output.indexOf("FAIL ")).split("\n");
  const found = lines.find((line) => /^\s*(\w*Error|Error)\b.*:/.test(line)) ?? "failed";
  return found.trim().replaceAll("|", "\\|").replaceAll("`", "'").slice(0, 160);
}

async function writeTable(): Promise<void> {
  const ordered = verdicts.toSorted((a, b) => MUTATIONS.indexOf(a.mutation) - MUTATIONS.indexOf(b.mutation));
  const parts = [...new Set(ordered.map(({ mutation }) => mutation.part))];
  const sections = parts.map((part) => {
    const rows = ordered
      .filter(({ mutation }) => mutation.part === part)
      .map(({ mutation, complaint }) => {
        const { promise, test, name, file } = mutation;
        return `| ${promise} | \`${test}\`: ${name} | \`${file}\` | \`${complaint}\` |`;
      });
    return [
      `### ${part}`,
      "",
      "| promise | held by | broken in | what the test said |",
      "| --- | --- | --- | --- |",
      ...rows,
    ].join("\n");
  });
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown machine"}`;
  const head = `${verdicts.length} of ${verdicts.length} mutations were seen, at commit ${commit}, on ${machine}.`;
  const path = join(root, DOCUMENT);
  const [before = "", rest = ""] = (await readFile(path, "utf8")).split(MARKS[0]);
  const after = rest.slice(rest.indexOf(MARKS[1]));
  await writeFile(path, `${before}${MARKS[0]}\n\n${head}\n\n${sections.join("\n\n")}\n\n${after}`);
}
