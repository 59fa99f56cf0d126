import { cpus } from "node:os";
import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import { FACE_PIXELS } from "../../src/model/labels.ts";
import { ENGINES } from "../../src/backends/engine-table.ts";
import { createScorerSource } from "./node-work.ts";

/** Batches that are scored before the clock starts: engines compile what is hot. */
const WARM_UP_BATCHES = 20;
const ROUNDS = 5;

/** `countenance bench`: how fast this machine scores face crops, one thread, decoding not counted. */
export const benchCommand = defineCommand({
  meta: { name: "bench", description: "How many faces per second one core of this machine scores" },
  args: {
    model: { type: "string", description: "name@version, or a name for its newest", default: "deep-emotion" },
    engine: { type: "enum", options: [...ENGINES], description: "What computes the network", default: "fused" },
    seconds: { type: "string", description: "Length of each of five rounds", default: "1" },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const seconds = Number(args.seconds);
    if (!(seconds > 0 && seconds <= 60))
      throw new ScoringError("validation_failed", "--seconds: more than 0, up to 60");
    const open = createScorerSource(args.engine);
    const { classifier } = await open({ model: args.model, tta: "none", findsFaces: false });
    const { batchSize } = classifier;
    // What a face shows does not change how long it takes, but equal faces could.
    const pixels = Uint8Array.from({ length: batchSize * FACE_PIXELS }, (_, at) => (at * 31 + (at >> 7)) % 256);
    for (let batch = 0; batch < WARM_UP_BATCHES; batch++) await classifier.classify(pixels, batchSize);
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      let faces = 0;
      while (performance.now() - start < seconds * 1000) {
        await classifier.classify(pixels, batchSize);
        faces += batchSize;
      }
      rounds.push(Math.round((faces / (performance.now() - start)) * 1000));
    }
    const facesPerSecond = Math.max(...rounds);
    const machine = cpus()[0]?.model ?? "unknown";
    const { model, engine } = classifier;
    const result = { model, engine, batchSize, facesPerSecond, rounds, machine };
    process.stdout.write(
      args.json
        ? `${JSON.stringify(result)}\n`
        : `${facesPerSecond.toLocaleString("en")} faces per second: ${model} on ${engine}, one thread, ${machine} (best of ${ROUNDS} rounds)\n`,
    );
  },
});
