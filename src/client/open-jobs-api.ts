/** The requests of open jobs, as typed functions. No DOM, no Node. */

import { mayPass, ScoringError } from "../errors.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import { OPEN_LIMITS } from "../scoring/dataset-limits.ts";
import { readBody } from "./answer.ts";
import type { Api } from "./api.ts";
import { type RetryPorts, retryRequest } from "./compute/retry-request.ts";

/** An input as a list names it; `label` and `truth` both mean the true label, by name or place. */
export interface NewInput {
  readonly key: string;
  readonly etag?: string;
  readonly id?: string;
  readonly size?: number;
  readonly versionId?: string;
  readonly label?: string | number;
  readonly truth?: string | number;
  readonly groups?: Readonly<Record<string, string | number | boolean>>;
}

/** What became of inputs: those that came for the first time, those that had come before, and all that the job has. */
export interface AddedInputs {
  readonly added: number;
  readonly known: number;
  readonly received: number;
}

/** The requests. Every function throws ScoringError, like those of the API's client. */
export interface OpenJobsApi {
  /**
   * Sends inputs in as many requests as it takes; of a request that failed, all may be sent again: what the job has counts once.
   * @param told after each request
   */
  add(
    jobId: string,
    inputs: Iterable<NewInput> | AsyncIterable<NewInput>,
    told?: (sum: AddedInputs) => void,
  ): Promise<AddedInputs>;
  /** The same with lines of JSON, as they are. */
  addLines(
    jobId: string,
    lines: Iterable<string> | AsyncIterable<string>,
    told?: (sum: AddedInputs) => void,
  ): Promise<AddedInputs>;
  /** No more inputs follow. */
  seal(jobId: string): Promise<JobView>;
}

const path = (jobId: string): string => `/v1/jobs/${encodeURIComponent(jobId)}`;

/**
 * The client of open jobs over the client of the API.
 * @param patience sends requests again while the server is out of reach, which takes nothing twice; absent: the first error is thrown
 */
export function createOpenJobsApi(api: Pick<Api, "request">, patience?: RetryPorts): OpenJobsApi {
  const insist = <T>(ask: () => Promise<T>): Promise<T> =>
    patience === undefined ? ask() : retryRequest(ask, patience, mayPass);

  async function send(jobId: string, body: string): Promise<AddedInputs> {
    const headers = { "content-type": "application/x-ndjson" };
    const response = await api.request("POST", `${path(jobId)}/inputs`, { body, headers });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
    return (await readBody(() => response.json(), {})) as AddedInputs;
  }

  async function addLines(
    jobId: string,
    lines: Iterable<string> | AsyncIterable<string>,
    told: (sum: AddedInputs) => void = () => {},
  ): Promise<AddedInputs> {
    let sum: AddedInputs = { added: 0, known: 0, received: 0 };
    for await (const { text, first } of cutRequests(lines)) {
      const { added, known, received } = await placeLines(
        first,
        insist(() => send(jobId, text)),
      );
      sum = { added: sum.added + added, known: sum.known + known, received };
      told(sum);
    }
    return sum;
  }

  return {
    addLines,
    add: (jobId, inputs, told) => addLines(jobId, serialize(inputs), told),
    seal: (jobId) =>
      insist(async () => {
        const response = await api.request("POST", `${path(jobId)}/seal`);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
        return (await readBody(() => response.json(), {})) as JobView;
      }),
  };
}

async function* serialize(inputs: Iterable<NewInput> | AsyncIterable<NewInput>): AsyncGenerator<string> {
  for await (const input of inputs) yield JSON.stringify(input);
}

/** Bodies of requests, each within the limits of one, with the number of its first line among all. */
async function* cutRequests(
  lines: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<{ readonly text: string; readonly first: number }> {
  const encoder = new TextEncoder();
  let held: string[] = [];
  let bytes = 0;
  let line = 0;
  let first = 1;
  for await (const text of lines) {
    line += 1;
    const size = encoder.encode(text).length + 1;
    if (held.length > 0 && (held.length === OPEN_LIMITS.maxLines || bytes + size > OPEN_LIMITS.maxBytes)) {
      yield { text: held.join("\n"), first };
      held = [];
      bytes = 0;
      first = line;
    }
    held.push(text);
    bytes += size;
  }
  if (held.length > 0) yield { text: held.join("\n"), first };
}

/** What is wrong with a line is told by its place among all, not in its request. */
async function placeLines<T>(first: number, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ScoringError)) throw error;
    const issues = error.issues.map((issue) =>
      issue.line === undefined ? issue : { ...issue, line: issue.line + first - 1 },
    );
    throw new ScoringError(error.code, error.detail, { issues, cause: error });
  }
}
