/**
 * Who else acts on a job while it runs, by chance from a seed: people who pause, resume and cancel, each call perhaps twice, and clients
 * that lease chunks, renew, give back, go away, submit (perhaps twice), or lie.
 */

import { toFaceOptions } from "../../src/scoring/chunk/faces.ts";
import { ScoringError } from "../../src/errors.ts";
import { readChunkItems } from "../../src/scoring/inputs/chunk-items.ts";
import { scoreChunk } from "../../src/scoring/chunk/score-chunk.ts";
import { type RawSubmission, submitClientChunk } from "../../src/scoring/client-compute/client-submit.ts";
import type { ClientDeskDeps } from "../../src/scoring/client-compute/client-desk.ts";
import type { ChunkLease, JobCommand, JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import type { ClientHold } from "../../src/scoring/job/chunk-row.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { stripes } from "../golden/stripes.ts";
import { createRandom } from "./fault-store.ts";
import { decoder, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

export interface CommanderOptions {
  readonly seed: number;
  readonly store: ObjectStore;
  /** Chances at each step. */
  readonly pauseRate: number;
  readonly cancelRate: number;
  readonly clientRate: number;
}

/** After so many steps nobody asks for anything but to go on. */
const ACTIVE_STEPS = 300;
const SCORER = { decoder, classifier: stripes, finder: null };

/** What to call between the steps of a simulation, and what was done. */
export function createCommander(options: CommanderOptions): {
  readonly onStep: NonNullable<SimulationOptions["onStep"]>;
  readonly done: ReadonlyMap<string, number>;
} {
  const random = createRandom(options.seed ^ 0x5eed);
  const done = new Map<string, number>();
  const held: { readonly lease: ChunkLease; readonly hold: ClientHold }[] = [];
  const note = (what: string): void => void done.set(what, (done.get(what) ?? 0) + 1);

  async function give(job: JobCoordinator, command: JobCommand): Promise<void> {
    if (await job.command(command)) note(command);
    if (random() < 0.3 && (await job.command(command))) throw new Error(`${command} was taken twice`);
  }

  async function actAsClient(job: JobCoordinator, nowMs: number): Promise<void> {
    const draw = random();
    if (held.length === 0 || draw < 0.3) {
      const hold = { keyId: `key-${Math.floor(random() * 3)}`, nonce: String(Math.floor(random() * 1e9)) };
      const lease = await job.leaseToClient(hold);
      if (lease !== null) held.push({ lease, hold });
      if (lease !== null) note("client lease");
      return;
    }
    const at = Math.floor(random() * held.length);
    const { lease, hold } = held[at]!;
    if (draw < 0.4) {
      if ((await job.renewClient(lease.chunk.id, hold)) !== null) note("client renewal");
      return;
    }
    // Whatever else it does, this client asks no more for this chunk; the last kind just goes away.
    held.splice(at, 1);
    if (draw < 0.5) {
      if (await job.returnFromClient(lease.chunk.id, hold, null)) note("client return");
    } else if (draw < 0.9) await submit(job, lease, hold, nowMs, draw > 0.85);
  }

  async function submit(
    coordinator: JobCoordinator,
    { spec, chunk }: ChunkLease,
    hold: ClientHold,
    nowMs: number,
    lies: boolean,
  ): Promise<void> {
    const { store } = options;
    const items = await readChunkItems(store, chunk, SMALL.maxPageBytes);
    const { format } = spec.manifest;
    const { records } = await scoreChunk({ store, ...SCORER }, items, {
      ...SMALL,
      format,
      faces: toFaceOptions(spec.manifest),
      stamp: { model: spec.model, pipeline: spec.pipeline },
      failedReads: "record",
    });
    const deps: ClientDeskDeps & { random(): number } = {
      openStore: () => store,
      withScorer: (body) => body(async () => SCORER),
      limits: SMALL,
      clock: () => nowMs,
      randomHex: () => "0",
      random,
    };
    const { state } = (await coordinator.read())!;
    const job = { coordinator, spec, state, secret: "" };
    const claimed = lies ? records.map(falsify) : [...records];
    const submission: RawSubmission = { nonce: hold.nonce, backend: "node", records: claimed };
    for (let times = random() < 0.3 ? 2 : 1; times > 0; times--) {
      try {
        const { repeated } = await submitClientChunk(deps, job, hold.keyId, chunk.id, submission);
        note(repeated ? "client repetition" : "client submission");
      } catch (error) {
        // Its lease ran out, or it was caught.
        if (!(error instanceof ScoringError) || (error.code !== "conflict" && error.code !== "client_rejected"))
          throw error;
        note(error.code);
      }
    }
  }

  return {
    done,
    async onStep(step, job, nowMs) {
      const status = (await job.read())?.state.status;
      if (status === undefined || isEnded(status)) return;
      if (status === "paused" && (step > ACTIVE_STEPS || random() < 0.02)) await give(job, "resume");
      if (step > ACTIVE_STEPS) return;
      if (random() < options.pauseRate) await give(job, "pause");
      if (random() < options.cancelRate) await give(job, "cancel");
      if (random() < options.clientRate) await actAsClient(job, nowMs);
    },
  };
}

/** Claims that nothing could be read. */
function falsify(record: ScoreRecord): ScoreRecord {
  const nothing = { label: null, probabilities: null, margin: null, entropy: null, face: null, quality: null } as const;
  const error = { code: "object_empty", message: "the object has no bytes" } as const;
  return record.status === "scored" ? { ...record, ...nothing, status: "failed", error } : record;
}
