/** What a server's answer holds, or what it refuses with. */

import { ERROR_CODES, type Issue, ScoringError } from "../errors.ts";

/** A body that never ends counts as a server out of reach, like one that does not answer. @throws ScoringError `api_unavailable`, or what `signal` throws */
export async function readBody<T>(
  read: () => Promise<T>,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ScoringError("api_unavailable", "the server's answer broke off", { cause });
  }
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly issues?: readonly Issue[];
}

/** The server's problem document (RFC 9457) as the error that it describes. */
export async function readProblem(response: Response): Promise<ScoringError> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every field is looked at before it is used
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const code = ERROR_CODES.find((known) => known === problem.code) ?? "api_unavailable";
  const detail = problem.detail ?? `the server answered ${response.status}`;
  return new ScoringError(code, detail, Array.isArray(problem.issues) ? { issues: problem.issues } : {});
}
