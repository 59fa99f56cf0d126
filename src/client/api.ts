/** The HTTP API as typed functions, for the console and for programs. No DOM, no Node. */

import { ScoringError } from "../errors.ts";
import type { ModelList } from "./model-list.ts";
import type { KeyView, newKeySchema } from "../scoring/access/api-key.ts";
import type { manifestSchema } from "../scoring/manifest/manifest.ts";
import type { JobPage } from "../scoring/job/job-directory.ts";
import type { EraseAnswers } from "../scoring/erase/erase-records.ts";
import type { JobView } from "../scoring/job/job-view.ts";
import type { Report } from "../scoring/report/report.ts";
import type {
  newScheduleSchema,
  scheduleChangeSchema,
  ScheduleRunView,
  ScheduleView,
} from "../scoring/schedules/schedule.ts";
import type { ScheduleOutlookView } from "../scoring/schedules/judge-runs.ts";
import type { ChunkRecords } from "../scoring/requests/chunk-records.ts";
import type { DryRun } from "../scoring/requests/dry-run.ts";
import type { z } from "zod";
import { readBody, readProblem } from "./answer.ts";
import { followEvents, type JobEvent } from "./event-stream.ts";
import { formatRange } from "./label-windows.ts";
import { listPath, type ListOptions } from "./list-query.ts";

/** A manifest as it is sent: defaults may be left out. */
export type ManifestInput = z.input<typeof manifestSchema>;

/** A new API key as it is asked for. */
export type NewKey = z.input<typeof newKeySchema>;

/** A new schedule as it is asked for; its manifest may hold `{yyyy}`, `{mm}`, `{dd}` and `{hh}`. */
export type NewSchedule = Omit<z.input<typeof newScheduleSchema>, "manifest"> & { readonly manifest: ManifestInput };

/** What changes of a schedule; the rest stays. */
export type ScheduleChange = z.input<typeof scheduleChangeSchema>;

/** A key with its text. */
export type ShownKey = KeyView & { readonly key: string };

/** One store of the server. */
export type StoreView = Readonly<{ name: string; versions: boolean }>;

/** One finished output of a job; `size` in bytes. */
export interface OutputView {
  readonly name: string;
  readonly size: number;
  readonly etag: string;
  readonly type: string;
}

/** Bytes of one object and the size of the whole. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly total: number;
}

/** Where the record of a picture stands: see `PlacedRecord`. */
export type PicturePlace = Readonly<Record<"offset" | "length" | "input", number> & { chunk?: string }>;

/** A job that was asked to erase an image, and what it answered. */
export type EraseRequestView = EraseAnswers["jobs"][number];

/** A command to a job. */
export type JobAction = "pause" | "resume" | "cancel" | "retry-failed";

/** Where the API is and which key opens it. */
export interface ApiOptions {
  /** `https://host`, or empty for the page's own origin. */
  readonly baseUrl?: string;
  /** Sent as a bearer key; a browser that signed in leaves it out. */
  readonly key?: string;
  readonly fetch?: typeof fetch;
}

/** The requests to a server. Every function throws ScoringError: the server's code and findings, or `api_unavailable`. */
export interface Api {
  /** Makes one request in this client's way, for parts of the API that have a client of their own. */
  request(method: string, path: string, wanted?: RequestOptions): Promise<Response>;
  /** Signs in with a key, or once with the code of a printed link; the browser keeps the cookie. Returns the key's id. */
  signIn(secret: string | { readonly code: string }): Promise<string>;
  /** The id of the key that this client acts with; `null` for a browser in which nobody is signed in. */
  readSession(): Promise<string | null>;
  signOut(): Promise<void>;
  /** Newest first; without options the first 50. */
  listJobs(options?: ListOptions): Promise<JobPage>;
  readJob(id: string, signal?: AbortSignal): Promise<JobView>;
  submitJob(manifest: ManifestInput, idempotencyKey?: string): Promise<JobView>;
  /** What the job would read, take and cost; nothing is started. */
  planJob(manifest: ManifestInput): Promise<DryRun>;
  /** The job afterwards; for `retry-failed`, the new job. `resume` takes what the job may cost from now on. */
  commandJob(id: string, action: JobAction, body?: { readonly budget: { readonly dollars: number } }): Promise<JobView>;
  deleteJob(id: string): Promise<void>;
  /**
   * Asks every job of the key (with an admin key, every job) to rewrite its outputs without an image or, with `id`, without one member of a
   * shard or row of a table. Jobs that cannot hold it are left out; `erasing` is done when the job's view says so.
   */
  eraseRecords(image: {
    readonly store: string;
    readonly key: string;
    readonly id?: string;
  }): Promise<readonly EraseRequestView[]>;
  /** Status and progress until the job ends or `signal` fires; reconnects after a break, without a gap, and reports both. */
  followJob(id: string, signal: AbortSignal, told?: (trouble: ScoringError | null) => void): AsyncGenerator<JobEvent>;
  readReport(id: string, signal?: AbortSignal): Promise<Report>;
  listOutputs(id: string, signal?: AbortSignal): Promise<readonly OutputView[]>;
  /** Up to `length` bytes of an output. */
  readOutput(id: string, name: string, offset: number, length: number, signal?: AbortSignal): Promise<ByteRange>;
  /** The records of the first chunk whose inputs begin at `from` or behind it, and where the next one begins. */
  readRecords(id: string, from: number, signal?: AbortSignal): Promise<ChunkRecords>;
  listModels(signal?: AbortSignal): Promise<ModelList>;
  listStores(signal?: AbortSignal): Promise<readonly StoreView[]>;
  /** @param ifNoneMatch `"*"` refuses with `conflict` what is there already */
  upload(
    store: string,
    key: string,
    body: Blob | Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
    ifNoneMatch?: "*",
  ): Promise<void>;
  /** The secret with which webhooks of this key's jobs are signed, as Standard Webhooks writes it. */
  readWebhookSecret(): Promise<string>;
  /** For admin keys. The text of a new key is in these two answers only. */
  makeKey(key: NewKey): Promise<ShownKey>;
  rotateKey(id: string, overlapSeconds: number): Promise<ShownKey>;
  listKeys(): Promise<readonly KeyView[]>;
  removeKey(id: string): Promise<void>;
  /** All schedules, each with its next due times and its last five runs. */
  listSchedules(signal?: AbortSignal): Promise<readonly ScheduleView[]>;
  /** The schedule with every run that is remembered, newest first. */
  readSchedule(id: string, signal?: AbortSignal): Promise<ScheduleView>;
  /** What should be looked into now, the reviews of its runs, and what was told before. */
  readScheduleAlerts(id: string, signal?: AbortSignal): Promise<ScheduleOutlookView>;
  makeSchedule(schedule: NewSchedule): Promise<ScheduleView>;
  changeSchedule(id: string, change: ScheduleChange): Promise<ScheduleView>;
  /** Runs it now, or for the window of `dueAt` (ISO 8601). */
  runSchedule(id: string, dueAt?: string): Promise<ScheduleRunView>;
  removeSchedule(id: string): Promise<void>;
  /** Address of an output, for a link. */
  outputUrl(id: string, name: string, download: boolean): string;
  /** A record's picture. @param place bytes of its line in labels.jsonl or in the part of its chunk, and the number of its input */
  readPicture(id: string, record: string, place: PicturePlace, signal?: AbortSignal): Promise<Blob>;
}

/** Body, headers and signal of one request. */
export interface RequestOptions {
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const sendJson = (value: unknown, headers: Readonly<Record<string, string>> = {}): RequestOptions => ({
  body: JSON.stringify(value),
  headers: { "content-type": "application/json", ...headers },
});

const job = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;
const schedule = (id: string): string => `/v1/schedules/${encodeURIComponent(id)}`;

/** A client of one server. */
export function createApi(options: ApiOptions = {}): Api {
  const { baseUrl = "", key } = options;
  const send = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init));

  async function request(method: string, path: string, wanted: RequestOptions = {}): Promise<Response> {
    const headers = new Headers(wanted.headers);
    if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
    let response: Response;
    try {
      response = await send(`${baseUrl}${path}`, {
        method,
        headers,
        ...(wanted.body === undefined ? {} : { body: wanted.body }),
        ...(wanted.signal ? { signal: wanted.signal } : {}),
      });
    } catch (cause) {
      if (wanted.signal?.aborted) throw cause;
      throw new ScoringError("api_unavailable", "the server cannot be reached", { cause });
    }
    if (!response.ok) throw await readProblem(response);
    return response;
  }

  async function ask<T>(method: string, path: string, wanted: RequestOptions = {}): Promise<T> {
    const response = await request(method, path, wanted);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own schema, held by its tests
    return (await readBody(() => response.json(), wanted)) as T;
  }

  return {
    request,
    async signIn(secret) {
      const body = sendJson(typeof secret === "string" ? { key: secret } : secret);
      return (await ask<{ key: string }>("POST", "/v1/session", body)).key;
    },
    async readSession() {
      return (await ask<{ key: string | null }>("GET", "/v1/session")).key;
    },
    async signOut() {
      await request("DELETE", "/v1/session");
    },
    listJobs: (options = {}) => ask("GET", listPath(options), { signal: options.signal }),
    readJob: (id, signal) => ask("GET", job(id), { signal }),
    submitJob(manifest, idempotencyKey) {
      const headers: Record<string, string> = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
      return ask("POST", "/v1/jobs", sendJson({ ...manifest, dryRun: false }, headers));
    },
    planJob: (manifest) => ask("POST", "/v1/jobs", sendJson({ ...manifest, dryRun: true })),
    commandJob: (id, action, body) => ask("POST", `${job(id)}/${action}`, body === undefined ? {} : sendJson(body)),
    async deleteJob(id) {
      await request("DELETE", job(id));
    },
    async eraseRecords(image) {
      const jobs: EraseRequestView[] = [];
      let cursor: string | null = null;
      do {
        const query = new URLSearchParams({ ...image, ...(cursor === null ? {} : { cursor }) });
        const page: EraseAnswers = await ask("DELETE", `/v1/records?${query}`);
        jobs.push(...page.jobs);
        ({ cursor } = page);
      } while (cursor !== null);
      return jobs;
    },
    followJob: (id, signal, told) =>
      followEvents((headers) => request("GET", `${job(id)}/events`, { headers, signal }), signal, told),
    readReport: (id, signal) => ask("GET", `${job(id)}/report`, { headers: { accept: "application/json" }, signal }),
    async listOutputs(id, signal) {
      return (await ask<{ outputs: OutputView[] }>("GET", `${job(id)}/outputs`, { signal })).outputs;
    },
    async readOutput(id, name, offset, length, signal) {
      const headers = { range: formatRange(offset, length) };
      let response: Response;
      try {
        response = await request("GET", `${job(id)}/outputs/${encodeURIComponent(name)}`, { headers, signal });
      } catch (error) {
        // An empty range has no first byte (RFC 9110, 14.1.1).
        const isEmpty = offset === 0 && error instanceof ScoringError && error.code === "range_unsatisfiable";
        if (isEmpty) return { bytes: new Uint8Array(0), total: 0 };
        throw error;
      }
      const bytes = new Uint8Array(await readBody(() => response.arrayBuffer(), { signal }));
      const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
      return { bytes, total: total === undefined ? bytes.length : Number(total) };
    },
    readRecords: (id, from, signal) => ask("GET", `${job(id)}/records?from=${from}`, { signal }),
    listModels: (signal) => ask("GET", "/v1/models", { signal }),
    readWebhookSecret: async () => (await ask<{ readonly secret: string }>("GET", "/v1/webhook-secret")).secret,
    async listStores(signal) {
      return (await ask<{ stores: StoreView[] }>("GET", "/v1/stores", { signal })).stores;
    },
    async upload(store, objectKey, body, signal, ifNoneMatch) {
      const path = objectKey.split("/").map(encodeURIComponent).join("/");
      await request("PUT", `/v1/stores/${encodeURIComponent(store)}/objects/${path}`, {
        body,
        headers: {
          "content-type": "application/octet-stream",
          ...(ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch }),
        },
        signal,
      });
    },
    makeKey: (wanted) => ask("POST", "/v1/keys", sendJson(wanted)),
    rotateKey: (id, overlapSeconds) =>
      ask("POST", `/v1/keys/${encodeURIComponent(id)}/rotate`, sendJson({ overlapSeconds })),
    async listKeys() {
      return (await ask<{ keys: KeyView[] }>("GET", "/v1/keys")).keys;
    },
    async removeKey(id) {
      await request("DELETE", `/v1/keys/${encodeURIComponent(id)}`);
    },
    async listSchedules(signal) {
      const all: ScheduleView[] = [];
      let cursor: string | null = null;
      do {
        const path: string = `/v1/schedules${cursor === null ? "" : `?cursor=${cursor}`}`;
        const page = await ask<{ schedules: ScheduleView[]; cursor: string | null }>("GET", path, { signal });
        all.push(...page.schedules);
        cursor = page.cursor;
      } while (cursor !== null);
      return all;
    },
    readSchedule: (id, signal) => ask("GET", schedule(id), { signal }),
    readScheduleAlerts: (id, signal) => ask("GET", `${schedule(id)}/alerts`, { signal }),
    makeSchedule: (wanted) => ask("POST", "/v1/schedules", sendJson(wanted)),
    changeSchedule: (id, change) => ask("PATCH", schedule(id), sendJson(change)),
    runSchedule: (id, dueAt) => ask("POST", `${schedule(id)}/run`, sendJson(dueAt === undefined ? {} : { dueAt })),
    async removeSchedule(id) {
      await request("DELETE", schedule(id));
    },
    outputUrl: (id, name, download) =>
      `${baseUrl}${job(id)}/outputs/${encodeURIComponent(name)}${download ? "?download=1" : ""}`,
    async readPicture(id, record, { offset, length, input, chunk }, signal) {
      const place = `at=${offset}&length=${length}&input=${input}${chunk === undefined ? "" : `&chunk=${chunk}`}`;
      const response = await request("GET", `${job(id)}/images/${encodeURIComponent(record)}?${place}`, { signal });
      return readBody(() => response.blob(), { signal });
    },
  };
}
