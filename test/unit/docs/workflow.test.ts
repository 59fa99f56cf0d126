import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** The workflows are never run here; what makes them safe and the same as `.ci/run` is read out of their text. */

const root = join(import.meta.dirname, "../../..");
const folder = join(root, ".github/workflows");
const names = readdirSync(folder).sort();
const readWorkflow = (name: string) => readFileSync(join(folder, name), "utf8");

/** Commands of the `run:` steps of one job, in order. */
function listCommands(workflow: string, job: string): string[] {
  const jobs = workflow.slice(workflow.indexOf("\njobs:\n")).split(/\n(?= {2}[a-z]+:\n)/);
  const text = jobs.find((part) => part.startsWith(`  ${job}:\n`)) ?? "";
  return [...text.matchAll(/^ +- run: (.+)$/gm)].map(([, command]) => command ?? "");
}

/** Commands of the script that must hold before anything lands. */
function listLandingCommands(): string[] {
  const script = readFileSync(join(root, ".ci/run"), "utf8");
  return script.split(/\n|&&/).flatMap((line) => /^\s*(npm .+?)\s*$/.exec(line)?.[1] ?? []);
}

describe("workflows", () => {
  it("are a check and a deployment", () => {
    expect(names).toEqual(["ci.yml", "deploy.yml"]);
  });

  it.each(names)("%s takes only GitHub's actions, each pinned to a commit with its version beside it", (name) => {
    const uses = readWorkflow(name).match(/^.*\buses:.*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it.each(names)("%s may only read, leaves no token in the checkout and ends", (name) => {
    const workflow = readWorkflow(name);
    // For all jobs; the one that publishes may also prove to npm which workflow it is.
    const permissions = ["permissions:\n  contents: read"];
    const [ofAll, ...more] = [...workflow.matchAll(/permissions:\n(?: +[a-z-]+: [a-z]+\n)+/g)].map(([text]) =>
      text.trim(),
    );
    expect([ofAll]).toEqual(permissions);
    const publishes = workflow.includes("npm publish");
    expect(more).toEqual(publishes ? ["permissions:\n      contents: read\n      id-token: write"] : []);
    const count = (pattern: RegExp) => workflow.match(pattern)?.length ?? 0;
    expect(count(/persist-credentials: false/g)).toBe(count(/actions\/checkout@/g));
    expect(count(/timeout-minutes: \d+/g)).toBe(count(/runs-on: /g));
    expect(workflow).toMatch(/^concurrency:\n {2}group: /m);
    // What a pull request says must never become a command.
    for (const command of workflow.match(/- run: .*/g) ?? []) expect(command).not.toContain("${{");
  });

  it.each(names)("%s tests with the commands that must hold before a landing", (name) => {
    expect(listLandingCommands()).toHaveLength(6);
    expect(listCommands(readWorkflow(name), "test")).toEqual(listLandingCommands());
  });

  it("deploys a tag, after the tests, with the wrangler of the lockfile", () => {
    const workflow = readWorkflow("deploy.yml");
    expect(workflow).toMatch(/\non:\n {2}push:\n {4}tags: /);
    expect(workflow).not.toContain("pull_request");
    expect(workflow).toMatch(/\n {2}deploy:\n {4}needs: test\n/);
    expect(workflow).toMatch(/\n {2}publish:\n {4}needs: test\n/);
    expect(listCommands(workflow, "publish").at(-1)).toMatch(/^npm publish --provenance /);
    expect(listCommands(workflow, "deploy")).toEqual(["npm ci", 'npx wrangler deploy --env "$TARGET"']);
  });
});
