/** Answers that the page at the address will want, asked for while its code is still on its way. */

import { formatRange, windowBytes } from "../../src/client/label-windows.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { parseRoute, readTab, type Route } from "./address.ts";

/** What is sent along. */
type Asked = Readonly<Record<string, string>>;

const JSON_ONLY: Asked = { accept: "application/json" };
const FIRST_LABELS: Asked = { range: formatRange(0, windowBytes(0)) };

function createEarlyFetch({ path: [page, id], query }: Route): typeof fetch {
  const answers = new Map<string, Promise<Response>>();
  const ask = (path: string, headers: Asked = {}): Promise<Response> => {
    const answer = fetch(path, { headers });
    answers.set(nameAnswer(path, new Headers(headers)), answer);
    // Whoever wants it asks again.
    answer.catch(() => undefined);
    return answer;
  };
  const askForJob = async (job: string): Promise<void> => {
    const answer = await ask(pathOf(job));
    if (!answer.ok) return;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
    const view = (await answer.clone().json()) as JobView;
    if (isEnded(view.status)) for (const [path, headers] of listTabRequests(view, query)) void ask(path, headers);
  };
  void ask("/v1/session");
  if (page === "jobs" && id !== undefined) askForJob(id).catch(() => undefined);
  window.addEventListener("hashchange", () => answers.clear(), { once: true });
  return async (input, init = {}) => {
    const name = typeof input === "string" && init.method === "GET" ? nameAnswer(input, new Headers(init.headers)) : "";
    const early = answers.get(name);
    answers.delete(name);
    const answer = await early?.catch(() => null);
    init.signal?.throwIfAborted();
    return answer?.ok === true ? answer : fetch(input, init);
  };
}

const nameAnswer = (path: string, headers: Headers): string => `${path} ${headers.get("range") ?? ""}`;

const pathOf = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;

/** What an ended job's page asks for first. */
function listTabRequests(
  { id, output }: JobView,
  query: URLSearchParams,
): (readonly [path: string, headers?: Asked])[] {
  const own = pathOf(id);
  const other = query.get("with");
  const tab = readTab(query);
  if (tab === "overview") return [[`${own}/outputs`], [`${own}/report`, JSON_ONLY]];
  if (tab === "pictures" && output.layout !== "dataset") {
    return [[`${own}/outputs/labels.jsonl`, FIRST_LABELS], [`${own}/outputs`]];
  }
  if (tab === "compare" && other !== null) {
    return [[`${own}/report`, JSON_ONLY], [`${pathOf(other)}/report`, JSON_ONLY], [`${own}/outputs`]];
  }
  return [[`${own}/outputs`]];
}

/** `fetch`, which hands out each answer that was asked for early, once. At the next address what is left is forgotten. */
export const earlyFetch = createEarlyFetch(parseRoute(window.location.hash));
