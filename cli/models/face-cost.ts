/** What a face costs with a classifier: measured here, and priced as the platform does. */

import type { Classifier } from "../../src/model/classifier.ts";
import { countInputBytes } from "../../src/model/input-form.ts";
import { priceJob } from "../../src/scoring/job/job-cost.ts";

/** Milliseconds that faces are scored for, engines warm. */
const MEASURED_MS = 600;

/** Milliseconds of CPU a face, on one thread of this machine. */
export async function timeFaces(classifier: Classifier): Promise<number> {
  const { batchSize, input } = classifier;
  // What a face shows does not change how long it takes, but equal faces could.
  const bytes = batchSize * countInputBytes(input);
  const pixels = Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 7)) % 256);
  await classifier.classify(pixels, batchSize);
  const started = performance.now();
  const cpu = process.cpuUsage();
  let faces = 0;
  do {
    await classifier.classify(pixels, batchSize);
    faces += batchSize;
  } while (performance.now() - started < MEASURED_MS);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / faces;
}

/** The line that says it. */
export function describeCost(faceMs: number): string {
  const millionMs = faceMs * 1e6;
  const none = { classA: 0, classB: 0, queue: 0, durableObject: 0, rowsWritten: 0 };
  const { dollars } = priceJob(millionMs, 0, none);
  const minutes = (millionMs / 60_000).toPrecision(2);
  return `million faces   ${Number(minutes).toLocaleString("en")} CPU minutes here, about $${dollars.toFixed(dollars < 0.1 ? 3 : 2)} of Workers CPU; decoding and storage besides`;
}
