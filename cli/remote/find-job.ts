import type { Api } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import { readJobs } from "./job-pages.ts";

const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The job that a command is about. */
export const JOB_ARG = {
  type: "positional",
  description: "The job's id, or as much of its end as no other has",
  required: true,
} as const;

/** Fewer letters fit too many. */
const PART_OF_ID = /^[0-9a-f-]{4,35}$/;
/** Newest jobs that are looked through. */
const MAX_JOBS = 1000;

/**
 * The whole id of a job that is named by it, or by how it ends (or begins), as far as that is one job's only.
 * @throws ScoringError `not_found`; `validation_failed` where several are meant
 */
export async function findJob(api: Pick<Api, "listJobs">, text: string): Promise<string> {
  if (WHOLE_ID.test(text)) return text;
  if (!PART_OF_ID.test(text)) throw new ScoringError("not_found", `there is no job ${text}`);
  const found: string[] = [];
  for await (const { id } of readJobs(api, MAX_JOBS)) {
    if (id.endsWith(text) || id.startsWith(text)) found.push(id);
  }
  if (found.length > 1) {
    throw new ScoringError(
      "validation_failed",
      `${text} could be ${found.length} jobs: ${found.slice(0, 5).join(", ")}`,
    );
  }
  const [id] = found;
  if (id === undefined) throw new ScoringError("not_found", `there is no job ${text} among the newest ${MAX_JOBS}`);
  return id;
}
