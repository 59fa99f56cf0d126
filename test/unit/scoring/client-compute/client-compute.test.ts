import { describe, expect, it } from "vitest";
import type { ComputeApi } from "../../../../src/client/compute/compute-api.ts";
import type { ChunkScorer, ComputeEvent, ComputePorts, ScorerRung } from "../../../../src/client/compute/ports.ts";
import { retryReads } from "../../../../src/client/compute/retry-request.ts";
import { runClientCompute } from "../../../../src/client/compute/run-client-compute.ts";
import { ScoringError } from "../../../../src/errors.ts";
import { readClaim, signClaim } from "../../../../src/scoring/client-compute/claims.ts";
import type { ClientBackend, ClientLease } from "../../../../src/scoring/client-compute/protocol.ts";

/** The loop of a computing client under faults that no real server or device shows on demand. */

const task = {
  model: "deep-emotion@1",
  modelSha256: "",
  pipeline: 1,
  tta: "none",
  format: "image",
  faces: { mode: "aligned", minFacePixels: 1, minFaceScore: 0, faceDetail: "normal" },
  maxImageBytes: 1,
} as const;

/** A server with this many chunks; `fault` may throw before any call. */
function createServer(chunkCount: number, fault: (call: string) => void = () => undefined) {
  const waiting = Array.from({ length: chunkCount }, (_, at) => String(at));
  const done: { chunkId: string; backend: ClientBackend }[] = [];
  const released: string[] = [];
  const api: ComputeApi = {
    async requestCanary() {
      fault("canary");
      return { task, challenge: "", count: 0, faces: "", picture: "" };
    },
    async answerCanary(_, answer) {
      fault(`answer ${answer.backend}`);
      return { token: answer.backend, untilMs: 0 };
    },
    async lease(jobId) {
      fault("lease");
      const chunkId = waiting.shift();
      if (chunkId === undefined) return { kind: "ended", status: "completed" };
      const lease: ClientLease = {
        kind: "lease",
        jobId,
        chunkId,
        nonce: chunkId,
        attempt: 1,
        leaseMs: 300,
        task,
        items: [],
      };
      return lease;
    },
    async renew() {
      fault("renew");
      return 300;
    },
    async submit(_, chunkId, { backend }) {
      fault("submit");
      done.push({ chunkId, backend });
      return { accepted: true, repeated: false };
    },
    async release(_, chunkId) {
      released.push(chunkId);
    },
  };
  return { api, done, released };
}

function createRung(
  backend: ClientBackend,
  score: () => void = () => undefined,
  lanes = 2,
): ScorerRung & { readonly closed: number[] } {
  const closed: number[] = [];
  const scorer: ChunkScorer = {
    backend,
    detail: "",
    lanes,
    answerCanary: async () => ({ probabilities: [], pictureSha256: "" }),
    async score() {
      score();
      return [];
    },
    async close() {
      closed.push(1);
    },
  };
  return { backend, open: async () => scorer, closed };
}

const lose = (): never => {
  throw new ScoringError("engine_unavailable", "the device was lost");
};

const refuse = (): never => {
  throw new ScoringError("forbidden", "pass the canary first");
};

const listLeft = (events: readonly ComputeEvent[]): string[] =>
  events.flatMap((event) => (event.kind === "left" ? [`${event.backend}: ${event.error.detail}`] : []));

async function run(server: ReturnType<typeof createServer>, rungs: readonly ScorerRung[]) {
  const events: ComputeEvent[] = [];
  const waits: number[] = [];
  const ports: ComputePorts = {
    api: server.api,
    rungs,
    tell: (event) => events.push(event),
    // Time passes at once; only an unfinished renewal must not spin.
    wait: async (waitMs) => {
      waits.push(waitMs);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  const result = await runClientCompute(ports, "job", { signal: new AbortController().signal }).catch(
    (error: unknown) => error,
  );
  const told = { engines: events.filter((event) => event.kind === "engine"), left: listLeft(events) };
  return { events, waits, result, ...told };
}

describe("a computing client", () => {
  it("scores every chunk once and ends with the job", async () => {
    const server = createServer(7);
    const rung = createRung("wasm", undefined, 3);
    const { result, engines } = await run(server, [rung]);
    expect(result).toEqual({ chunks: 7, records: 0 });
    expect(server.done.map(({ chunkId }) => chunkId).sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect([server.released, rung.closed.length, engines.length]).toEqual([[], 1, 1]);
  });

  it("goes on with the next engine when a device is lost, and scores the same chunk again", async () => {
    const server = createServer(4);
    let scored = 0;
    const webgpu = createRung("webgpu", () => void (++scored > 2 && lose()));
    const { result, engines, left } = await run(server, [webgpu, createRung("wasm-threads", lose), createRung("wasm")]);
    expect(result).toEqual({ chunks: 4, records: 0 });
    expect(server.done.map(({ backend }) => backend).sort()).toEqual(["wasm", "wasm", "webgpu", "webgpu"]);
    expect(engines.map(({ backend }) => backend)).toEqual(["webgpu", "wasm-threads", "wasm"]);
    expect(left).toEqual(["webgpu: the device was lost", "wasm-threads: the device was lost"]);
    expect(webgpu.closed.length).toBe(1);
  });

  it("leaves an engine that fails the canary, and says why", async () => {
    const server = createServer(1, (call) => {
      if (call === "answer webgpu") throw new ScoringError("client_rejected", "other faces");
    });
    const { engines, left } = await run(server, [createRung("webgpu"), createRung("wasm")]);
    expect(engines.map(({ backend }) => backend)).toEqual(["wasm"]);
    expect(left).toEqual(["webgpu: other faces"]);
  });

  it("waits longer and longer while the server is away, and loses nothing", async () => {
    let away = 0;
    const server = createServer(2, (call) => {
      if ((call === "lease" || call === "submit") && ++away % 4 !== 0) {
        throw new ScoringError("api_unavailable", "offline");
      }
    });
    const { result, events } = await run(server, [createRung("wasm", undefined, 1)]);
    expect(result).toEqual({ chunks: 2, records: 0 });
    const pauses = events.flatMap((event) => (event.kind === "waiting" ? [event.waitMs] : []));
    expect(pauses.slice(0, 3)).toEqual([500, 1000, 2000]);
  });

  it("gives its chunks back when it is refused, and when no engine is left", async () => {
    const refusing = createServer(3, (call) => {
      if (call === "submit") throw new ScoringError("client_rejected", "a disagreement");
    });
    const refused = await run(refusing, [createRung("wasm")]);
    expect(refused.result).toMatchObject({ code: "client_rejected" });
    expect(refusing.released.length).toBeGreaterThan(0);
    const lost = createServer(3);
    expect((await run(lost, [createRung("wasm", lose)])).result).toMatchObject({ code: "engine_unavailable" });
    expect(lost.released.length).toBeGreaterThan(0);
  });

  it("passes the canary again when its token has run out, and stops if that does not help", async () => {
    let leases = 0;
    const server = createServer(3, (call) => void (call === "lease" && ++leases === 2 && refuse()));
    expect((await run(server, [createRung("wasm", undefined, 1)])).result).toEqual({ chunks: 3, records: 0 });
    const closed = createServer(1, (call) => void (call === "lease" && refuse()));
    expect((await run(closed, [createRung("wasm", undefined, 1)])).result).toMatchObject({ code: "forbidden" });
  });

  it.each(["conflict", "forbidden"] as const)("goes on after a lease that was over, told by %s", async (code) => {
    let late = true;
    const server = createServer(2, (call) => {
      if (call === "submit" && late) {
        late = false;
        throw new ScoringError(code, "the lease of this chunk is over");
      }
    });
    expect((await run(server, [createRung("wasm")])).result).toEqual({ chunks: 1, records: 0 });
  });

  it("holds as many chunks as its engine wants, more with the next one", async () => {
    const server = createServer(12);
    let inHand = 0;
    const most: Partial<Record<ClientBackend, number>> = {};
    const count = async (backend: ClientBackend): Promise<[]> => {
      most[backend] = Math.max(most[backend] ?? 0, ++inHand);
      await new Promise((resolve) => setImmediate(resolve));
      inHand -= 1;
      return [];
    };
    let scored = 0;
    const rungs = (
      [
        ["webgpu", 2],
        ["wasm", 5],
      ] as const
    ).map(([backend, lanes]): ScorerRung => {
      const rung = createRung(backend, undefined, lanes);
      const score = async (): Promise<[]> => (backend === "webgpu" && ++scored > 4 ? lose() : count(backend));
      return { backend, open: async () => ({ ...(await rung.open()), score }) };
    });
    expect((await run(server, rungs)).result).toEqual({ chunks: 12, records: 0 });
    expect(most).toEqual({ webgpu: 2, wasm: 5 });
  });
});

const patience = (waits: number[]) => ({
  wait: async (waitMs: number) => void waits.push(waitMs),
  pausing: () => undefined,
  signal: new AbortController().signal,
});

describe("reads of a computing client", () => {
  it("are repeated while the server is out of reach, with growing pauses", async () => {
    const waits: number[] = [];
    let asked = 0;
    const read = retryReads(async () => {
      if (++asked < 9) throw new ScoringError("api_unavailable", "offline");
      return { bytes: new Uint8Array(1), etag: "" };
    }, patience(waits));
    expect((await read("url")).bytes.length).toBe(1);
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("take the server's answer as it is", async () => {
    const waits: number[] = [];
    for (const code of ["object_changed", "forbidden", "store_short_read"] as const) {
      const read = retryReads(async () => {
        throw new ScoringError(code, "no");
      }, patience(waits));
      await expect(read("url")).rejects.toMatchObject({ code });
    }
    expect(waits).toEqual([]);
  });
});

describe("signed claims", () => {
  it("are read only with their own secret, as their own kind, unchanged", async () => {
    const claim = { job: "a", text: "ä…" };
    const signed = await signClaim("secret", "pass", claim);
    expect(await readClaim("secret", "pass", signed)).toEqual(claim);
    expect(await readClaim("other", "pass", signed)).toBeNull();
    expect(await readClaim("secret", "read", signed)).toBeNull();
    for (const text of ["", ".", "a.b", `${signed}.x`, `x${signed}`, signed.replace(".", "A.")]) {
      expect(await readClaim("secret", "pass", text)).toBeNull();
    }
  });
});
