/** Enforces what a Worker has: six connections at once, bodies included, and counts calls. */

import type { ObjectStore } from "../../src/storage/object-store.ts";

export interface ConnectionMeter {
  open: number;
  /** Most open at once. */
  most: number;
  /** Calls of the life under way, and the most of any. */
  calls: number;
  mostCalls: number;
}

/** Throws as soon as a consumer holds more than `maxConnections`: in production the surplus waits, perhaps for ever. */
export function limitConnections(store: ObjectStore, maxConnections: number, meter: ConnectionMeter): ObjectStore {
  let open = 0;
  let calls = 0;
  function enter(): () => void {
    open += 1;
    calls += 1;
    meter.most = Math.max(meter.most, open);
    meter.mostCalls = Math.max(meter.mostCalls, calls);
    if (open > maxConnections) throw new Error(`${open} connections at once, ${maxConnections} allowed`);
    let left = false;
    return () => {
      if (!left) open -= 1;
      left = true;
    };
  }
  async function hold<T>(call: () => Promise<T>): Promise<T> {
    const leave = enter();
    try {
      return await call();
    } finally {
      leave();
    }
  }
  return {
    capabilities: store.capabilities,
    head: (key) => hold(() => store.head(key)),
    put: (key, body, options) => hold(() => store.put(key, body, options)),
    list: (options) => hold(() => store.list(options)),
    delete: (keys) => hold(() => store.delete(keys)),
    createMultipart: (key, options) => hold(() => store.createMultipart(key, options)),
    resumeMultipart: (key, uploadId) => store.resumeMultipart(key, uploadId),
    // One request, closed when its bytes are here or it is refused.
    read: (key, options) => hold(() => store.read(key, options)),
    async get(key, options) {
      const leave = enter();
      try {
        const result = await store.get(key, options);
        if (result.kind !== "found") {
          leave();
          return result;
        }
        return { ...result, body: watchBody(result.body, leave) };
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

/** A body is an open connection until it was read or cancelled. */
function watchBody(body: ReadableStream<Uint8Array>, leave: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          leave();
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        leave();
        controller.error(error);
      }
    },
    async cancel(reason) {
      leave();
      await reader.cancel(reason);
    },
  });
}
