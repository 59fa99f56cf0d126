/**
 * The part of the Workers runtime that this project touches, declared by hand: the full generated types clash with
 * the web worker library that the browser code needs, and what is not declared here is not used.
 */

declare module "cloudflare:workers" {
  export abstract class DurableObject<Env = unknown> {
    protected ctx: DurableObjectState;
    protected env: Env;
    constructor(ctx: DurableObjectState, env: Env);
    alarm?(): Promise<void>;
    fetch?(request: Request): Promise<Response>;
  }
  export interface Span {
    setAttribute(name: string, value: string | number | boolean): unknown;
    /** Absent in runtimes that are older than it. */
    spanContext?(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  }
  /** Absent in runtimes that are older than it, and so are its methods. */
  export const tracing:
    | { enterSpan?<T>(name: string, body: (span: Span) => T): T; getActiveSpan?(): Span | undefined }
    | undefined;
  export const env: unknown;
  export const exports: { default: { fetch(input: Request | string, init?: RequestInit): Promise<Response> } };
}

interface SqlCursor<Row> extends Iterable<Row> {
  toArray(): Row[];
  one(): Row;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

type SqlValue = string | number | null | ArrayBuffer;

interface SqlStorage {
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): SqlCursor<Row>;
  readonly databaseSize: number;
}

interface DurableObjectStorage {
  readonly sql: SqlStorage;
  transactionSync<T>(closure: () => T): T;
  setAlarm(scheduledTimeMs: number): Promise<void>;
  getAlarm(): Promise<number | null>;
  deleteAlarm(): Promise<void>;
  deleteAll(): Promise<void>;
}

interface DurableObjectState {
  readonly id: { readonly name?: string; toString(): string };
  readonly storage: DurableObjectStorage;
  waitUntil(promise: Promise<unknown>): void;
  blockConcurrencyWhile<T>(callback: () => Promise<T>): Promise<T>;
}

interface DurableObjectNamespace<T> {
  idFromName(name: string): { toString(): string };
  getByName(name: string): DurableObjectStub<T>;
  /** The objects that exist in that jurisdiction only. Throws in local workerd. */
  jurisdiction(jurisdiction: string): DurableObjectNamespace<T>;
}

/** Methods of the object, called over RPC: every result is a promise. */
type DurableObjectStub<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

interface AnalyticsDataset {
  writeDataPoint(point: {
    readonly indexes: readonly string[];
    readonly blobs: readonly string[];
    readonly doubles: readonly number[];
  }): void;
}

interface QueueProducer<Body> {
  send(body: Body, options?: { delaySeconds?: number; contentType?: "json" }): Promise<void>;
  /** Absent in runtimes that are older than it. */
  metrics?(): Promise<{ readonly backlogCount: number; readonly oldestMessageTimestamp?: Date | null }>;
  sendBatch(messages: Iterable<{ body: Body; delaySeconds?: number; contentType?: "json" }>): Promise<void>;
}

interface QueueMessage<Body> {
  readonly id: string;
  readonly timestamp: Date;
  readonly attempts: number;
  readonly body: Body;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

interface QueueBatch<Body> {
  readonly queue: string;
  readonly messages: readonly QueueMessage<Body>[];
}

interface ScheduledEvent {
  readonly cron: string;
  readonly scheduledTime: number;
}

interface WorkerContext {
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.safetensors" {
  const bytes: ArrayBuffer;
  export default bytes;
}

declare module "cloudflare:test" {
  export const env: unknown;
  export const SELF: { fetch(input: Request | string, init?: RequestInit): Promise<Response> };
  export function runDurableObjectAlarm(stub: unknown): Promise<boolean>;
  export function runInDurableObject<R>(
    stub: unknown,
    callback: (instance: unknown, state: DurableObjectState) => R | Promise<R>,
  ): Promise<R>;
  export function createMessageBatch<Body>(
    queue: string,
    messages: readonly Omit<QueueMessage<Body>, "ack" | "retry">[],
  ): QueueBatch<Body>;
  export function createExecutionContext(): WorkerContext;
  export function getQueueResult(
    batch: QueueBatch<unknown>,
    context: WorkerContext,
  ): Promise<{
    readonly outcome: string;
    readonly explicitAcks: readonly string[];
    readonly retryMessages: readonly { readonly msgId: string }[];
  }>;
  export function evictDurableObject(stub: unknown): Promise<void>;
  export function reset(): Promise<void>;
}
