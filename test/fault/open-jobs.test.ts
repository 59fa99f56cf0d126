import { beforeAll, describe, expect, it, vi } from "vitest";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import { parseInputs } from "../../src/scoring/requests/add-inputs.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import { createRandom, HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, createStore, LAYOUTS, makeLaidOutSpec, readOutputs, run, SMALL } from "./scene.ts";
import type { SimulationOptions } from "./simulation.ts";

/**
 * Jobs whose inputs come in while they run, in requests that are lost before or after they were taken, or sent again much later: the
 * outputs are those of a job that named all of them at once.
 */

const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 4);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

const LIMITS = { ...SMALL, open: { ...SMALL.open, batchInputs: 4 } };

/** The frozen inputs of a job, as lines that can be sent to another. */
function listLines(outputs: Readonly<Record<string, string>>): readonly string[] {
  const lists = Object.keys(outputs).filter((name) => /^input(\/part-\d+)?\.jsonl$/.test(name));
  const lines = lists.toSorted().flatMap((name) => outputs[name]!.trimEnd().split("\n"));
  return lines.map((line) => {
    const { index: _, ...input } = parseStored<Record<string, unknown>>(line);
    return JSON.stringify(input);
  });
}

/** Sends the lines in requests of one to four, each until it is answered; old ones come again; then the seal, perhaps twice. */
function createSender(seed: number, spec: SimulationOptions["spec"], lines: readonly string[]) {
  const random = createRandom(seed ^ 0x0be4);
  let sent = 0;
  let sealed = false;
  let repeated = 0;
  /** Answers that should not be. */
  const wrong: unknown[] = [];
  const post = async (job: JobCoordinator, part: readonly string[]) => {
    const deps = { openStore: () => createMemoryStore(), limits: LIMITS };
    return job.addInputs(parseInputs(deps, spec, new TextEncoder().encode(part.join("\n"))));
  };
  return {
    wrong,
    count: () => repeated,
    onStep: async (step: number, job: JobCoordinator): Promise<void> => {
      if (random() < 0.9) return;
      if (sent > 0 && random() < 0.3) {
        const from = Math.floor(random() * sent);
        const old = lines.slice(from, Math.min(sent, from + 3));
        const answer = await post(job, old);
        // Once the job has ended, it no longer knows what it has had.
        if (answer?.kind === "refused" && answer.reason === "ended") return;
        if (answer?.kind !== "added" || answer.added > 0) wrong.push(answer);
        repeated += 1;
        return;
      }
      if (sent < lines.length) {
        // Lost on its way.
        if (random() < 0.2) return;
        const size = 1 + Math.floor(random() * 4);
        const part = lines.slice(sent, sent + size);
        // One input twice in one request.
        const answer = await post(job, random() < 0.3 ? [...part, part[0]!] : part);
        if (answer?.kind !== "added") wrong.push(answer);
        // The answer was lost: the sender does not know, and sends it again.
        if (random() > 0.2) sent = Math.min(lines.length, sent + size);
        return;
      }
      if (step < 100 || sealed || random() < 0.5) return;
      if (!(await job.seal())) wrong.push("seal");
      // Its answer was lost.
      sealed = random() > 0.3;
    },
  };
}

describe.each(LAYOUTS)("an open job (%s)", (layout) => {
  let calm: Record<string, string>;
  let lines: readonly string[];
  const spec = makeLaidOutSpec(layout, { input: { store: "faces", prefix: "in/", open: true } });

  beforeAll(async () => {
    const { store } = await run({ spec: makeLaidOutSpec(layout) });
    const { "run.lock.json": _, ...outputs } = await readOutputs(store);
    calm = outputs;
    lines = listLines(outputs);
  });

  const troubles: Record<string, Partial<SimulationOptions>> = {
    "on a calm day": {},
    "with messages duplicated and lost": { duplicateRate: 0.3, loseRate: 0.2 },
    "with consumers killed, leases that expire, chunks that stop and a store that fails": {
      killRate: 0.03,
      leapRate: 0.01,
      stopRate: 0.2,
      duplicateRate: 0.2,
      loseRate: 0.1,
      faults: HEALABLE_RATES,
    },
  };
  it.each(Object.entries(troubles))("%s has the outputs of one that was whole at once", async (_name, trouble) => {
    let repeated = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const sender = createSender(seed, spec, lines);
      const { result, store } = await run({ ...trouble, spec, seed, limits: LIMITS, onStep: sender.onStep });
      expect([result.state.failure, sender.wrong], `seed ${seed}`).toEqual([null, []]);
      expect(result.state.open, `seed ${seed}`).toMatchObject({ received: 14, planned: 14 });
      const { "run.lock.json": _lock, ...outputs } = await readOutputs(store);
      for (const name of Object.keys(calm)) expect(outputs[name], `${name}, seed ${seed}`).toBe(calm[name]);
      await checkSuccess(store, { allowLate: trouble.leapRate !== undefined });
      repeated += sender.count();
    }
    expect(repeated).toBeGreaterThan(0);
  });

  it("that nobody seals expires, and keeps what is done", async () => {
    const brief = makeLaidOutSpec(layout, {
      input: { store: "faces", open: true },
      limits: { openSeconds: 120 },
    });
    const store = await createStore();
    const { result } = await run({
      spec: brief,
      limits: LIMITS,
      onStep: async (step, job) => {
        if (step !== 0) return;
        const deps = { openStore: () => store, limits: LIMITS };
        await job.addInputs(parseInputs(deps, brief, new TextEncoder().encode(lines.slice(0, 6).join("\n"))));
      },
      store,
    });
    expect(result.state).toMatchObject({
      status: "expired",
      listed: 6,
      outcomes: { scored: 5, failed: 1, expired: 0 },
    });
    await checkSuccess(store);
    expect((await readOutputs(store))["input.jsonl"] ?? "").not.toBe("missing");
  });

  it("has one outcome for each input that it listed, whenever it is cancelled", async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const sender = createSender(seed, spec, lines);
      const at = (seed * 29) % 100;
      const { result, store } = await run({
        spec,
        seed,
        limits: LIMITS,
        killRate: 0.02,
        loseRate: 0.05,
        onStep: async (step, job) => {
          if (step === at) await job.command("cancel");
          else if (step < at) await sender.onStep(step, job);
        },
      });
      const { listed, records, open } = result.state;
      expect(result.state.status, `seed ${seed}`).toBe("cancelled");
      expect([records, open!.planned], `seed ${seed}`).toEqual([listed, listed]);
      await checkSuccess(store, { allowLate: true });
    }
  });
});
