/** Inputs that are sent to an open job: lines as those of a list, all of them checked before one is taken. */

import { type Issue, ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { isGranted } from "../access/access.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { AddedInputs } from "../job/open-input.ts";
import type { JobStatus } from "../job/job-status.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import type { Limits } from "../limits.ts";
import type { ArrivedInput } from "../manifest/input-spec.ts";
import { createJsonRowParser } from "../plan/manifest-rows.ts";
import { parseEntry } from "../plan/parse-entry.ts";

/** The ports of adding inputs. */
export interface AddInputsDeps {
  openStore(name: string): ObjectStore;
  readonly limits: Limits;
}

/** Where the issues of a line stand. */
const PATH = "inputs";

/**
 * The inputs of a request's lines, JSON objects as a list has them: `key`, and optionally `etag`, `id`, `label` or `truth`, `groups`,
 * `size`, `versionId`, `range`.
 * @throws ScoringError `validation_failed` with all findings, `payload_too_large`
 */
export function parseInputs(deps: AddInputsDeps, spec: JobSpec, body: Uint8Array): readonly ArrivedInput[] {
  const { limits } = deps;
  const { input } = spec.manifest;
  if (body.length > limits.open.maxBytes)
    throw new ScoringError("payload_too_large", `at most ${limits.open.maxBytes} bytes`);
  const parser = createJsonRowParser();
  const rules = {
    maxGroups: limits.plan.maxGroups,
    labels: labelsOf(spec),
    versions: deps.openStore(input.store).capabilities.versions,
  };
  const inputs: ArrivedInput[] = [];
  const issues: Issue[] = [];
  const lines = new TextDecoder().decode(body).split("\n");
  let count = 0;
  for (const [at, text] of lines.entries()) {
    if (text.trim() === "") continue;
    count += 1;
    if (count > limits.open.maxLines || issues.length >= limits.maxIssues) break;
    const place = { path: PATH, line: at + 1 };
    const row = parser.parse(text, false);
    if (row?.kind !== "row") {
      if (row?.kind === "invalid") issues.push({ ...place, ...row.finding });
      continue;
    }
    const parsed = parseEntry(row.fields, place, rules);
    if (parsed.kind === "invalid") issues.push(...parsed.issues);
    else {
      const outside = findOutside(spec, parsed.entry.key);
      if (outside === null) inputs.push(parsed.entry);
      else issues.push({ ...place, path: `${PATH}.key`, ...outside });
    }
  }
  if (count > limits.open.maxLines) {
    throw new ScoringError("payload_too_large", `at most ${limits.open.maxLines} inputs in one request`);
  }
  if (issues.length === 0) return inputs;
  const findings = issues.length === 1 ? "1 finding" : `${issues.length} findings`;
  throw new ScoringError("validation_failed", `the inputs have ${findings}: none was taken`, {
    issues: issues.slice(0, limits.maxIssues),
  });
}

/** Why the job may not read a key; `null`: it may. */
function findOutside({ manifest, owner }: JobSpec, key: string): Pick<Issue, "code" | "message"> | null {
  const { store, prefix } = manifest.input;
  if (prefix !== undefined && !key.startsWith(prefix)) {
    return { code: "outside_prefix", message: `the job takes keys below ${JSON.stringify(prefix)}` };
  }
  if (isGranted(owner?.grants ?? null, store, key)) return null;
  return { code: "forbidden", message: `outside what the job's API key may use in ${store}` };
}

/**
 * Takes inputs into an open job: all of them, or none. The same key with the same etag is one input, however often it comes.
 * @throws ScoringError `validation_failed`, `payload_too_large`, `not_found`, `conflict`, `quota_exceeded`
 */
export async function addInputs(
  deps: AddInputsDeps,
  job: JobCoordinator,
  body: Uint8Array,
): Promise<Extract<AddedInputs, { kind: "added" }>> {
  const known = await job.read();
  if (known === null) throw new ScoringError("not_found", "there is no such job");
  if (known.spec.manifest.input.open === undefined) throw refuse(deps, "not_open", known.state.status);
  const answer = await job.addInputs(parseInputs(deps, known.spec, body));
  if (answer === null) throw new ScoringError("not_found", "there is no such job");
  if (answer.kind === "added") return answer;
  throw refuse(deps, answer.reason, (await job.read())?.state.status ?? known.state.status);
}

function refuse(
  { limits }: AddInputsDeps,
  reason: Extract<AddedInputs, { kind: "refused" }>["reason"],
  status: JobStatus,
): ScoringError {
  if (reason === "full") {
    return new ScoringError(
      "quota_exceeded",
      `an open job takes ${limits.open.maxInputs} inputs: seal it and open another`,
    );
  }
  const why = {
    not_open: "the job's inputs were named when it was submitted: only an open job takes more",
    sealed: "the job is sealed: it takes no more inputs",
    ended: `the job is ${status}: it takes no more inputs`,
  }[reason];
  return new ScoringError("conflict", why);
}
