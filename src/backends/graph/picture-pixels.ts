/** Halving and resizing of RGB pictures by assembly/pixels.ts, to the bit as image/letterbox.ts does both, at about a tenth of its time. */

import { PLAIN_PIXELS, type PixelTools } from "../../image/letterbox.ts";
import { planResample, type Coefficients } from "../../image/resample.ts";
import type { Box, Raster } from "../../model/face-finder.ts";
import { createKernel } from "./kernel.ts";
import { createArena } from "./places.ts";

/** Bytes of rows that are copied in at once: a picture is never in this memory as a whole. */
const BLOCK_BYTES = 256 * 1024;
/** What stores and loads may run over. */
const SLACK = 64;
/** Words of an output in a plan: assembly/pixels.ts. */
const PLAN_WORDS = 3;

/**
 * @param module graph.wasm or graph-relaxed.wasm; an instance of its own
 * @throws ScoringError `engine_unavailable` if it is another binary
 */
export async function createGraphPixels(module: WebAssembly.Module): Promise<PixelTools> {
  const kernel = await createKernel(module);

  /** Writes a plan. @param unit bytes from sample to sample where starts are bytes, 1 where they are rows */
  const putPlan = ({ taps, starts, counts, weights }: Coefficients, unit: number, at: number): void => {
    const weightsAt = at + 4 * PLAN_WORDS * starts.length;
    const words = kernel.words(at, PLAN_WORDS * starts.length + weights.length);
    for (let i = 0; i < starts.length; i++) {
      words[PLAN_WORDS * i] = starts[i]! * unit;
      words[PLAN_WORDS * i + 1] = counts[i]!;
      words[PLAN_WORDS * i + 2] = weightsAt + 4 * taps * i;
    }
    words.set(weights, PLAN_WORDS * starts.length);
  };

  /** Copies `count` rows of a window, side by side. */
  const putRows = (
    { data, width }: Raster,
    { x, width: wide }: Box,
    first: number,
    count: number,
    at: number,
  ): void => {
    if (wide === width) {
      kernel.bytes(at, count * wide * 3).set(data.subarray(first * wide * 3, (first + count) * wide * 3));
      return;
    }
    const rows = kernel.bytes(at, count * wide * 3);
    for (let y = 0; y < count; y++) {
      const from = ((first + y) * width + x) * 3;
      rows.set(data.subarray(from, from + wide * 3), y * wide * 3);
    }
  };

  return {
    halve(raster) {
      const { width, height, channels } = raster;
      if (channels === 1 || width < 2 || height < 2) return PLAIN_PIXELS.halve(raster);
      const [columns, rows] = [width >> 1, height >> 1];
      const block = Math.max(1, Math.floor(BLOCK_BYTES / (6 * width)));
      const arena = createArena(kernel.base);
      const sourceAt = arena.take(2 * block * width * 3 + SLACK);
      const targetAt = arena.take(block * columns * 3 + SLACK);
      kernel.reserve(arena.end());
      const data = new Uint8Array(rows * columns * 3);
      const whole = { x: 0, y: 0, width, height };
      for (let y = 0; y < rows; y += block) {
        const count = Math.min(block, rows - y);
        putRows(raster, whole, 2 * y, 2 * count, sourceAt);
        kernel.halve(sourceAt, width * 3, columns, count, targetAt);
        data.set(kernel.bytes(targetAt, count * columns * 3), y * columns * 3);
      }
      return { width: columns, height: rows, channels: 3, data };
    },
    resize(raster, width, height, window = { x: 0, y: 0, width: raster.width, height: raster.height }) {
      if (raster.channels === 1) return PLAIN_PIXELS.resize(raster, width, height, window);
      const across = window.width === width ? null : planResample(window.width, width);
      const down = window.height === height ? null : planResample(window.height, height);
      const row = window.width * 3;
      const block = Math.max(1, Math.min(window.height, Math.floor(BLOCK_BYTES / row)));
      const arena = createArena(kernel.base);
      const takePlan = (plan: Coefficients | null): number =>
        arena.take(plan === null ? 0 : 4 * (PLAN_WORDS * plan.starts.length + plan.weights.length));
      const [acrossAt, downAt] = [takePlan(across), takePlan(down)];
      const sourceAt = arena.take(across === null ? 0 : block * row + SLACK);
      const narrowAt = arena.take(window.height * width * 3 + SLACK);
      const targetAt = down === null ? narrowAt : arena.take(height * width * 3 + SLACK);
      kernel.reserve(arena.end());
      if (across === null) putRows(raster, window, window.y, window.height, narrowAt);
      else {
        putPlan(across, 3, acrossAt);
        for (let y = 0; y < window.height; y += block) {
          const count = Math.min(block, window.height - y);
          putRows(raster, window, window.y + y, count, sourceAt);
          kernel.resampleRows(sourceAt, row, count, acrossAt, width, narrowAt + y * width * 3);
        }
      }
      if (down !== null) {
        putPlan(down, 1, downAt);
        kernel.resampleColumns(narrowAt, width * 3, downAt, height, targetAt);
      }
      return kernel.bytes(targetAt, height * width * 3).slice();
    },
  };
}
