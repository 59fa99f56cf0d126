// Runs a plan. docs/graph-engine.md.
import { VECTOR } from "../../fused/assembly/vector";
import { combineBatch, copyBatch, moveBatch, poolBatch, resizeBatch, softmaxBatch, unpack } from "./batch-maps";
import { convolveChannels, convolveDirect } from "./batch-product";
import * as batch from "./batch-words";
import { convolveWinograd } from "./batch-winograd";
import { convolveDepthwise } from "./depthwise";
import { combine, copy, move, poolAverage, poolMaximum, resize, softmax } from "./maps";
import { multiplyStrip } from "./product";
export { halve, resampleColumns, resampleRows } from "./pixels";
import { sample, sampleBatch } from "./sampler";
import { convolveTiles } from "./winograd";
import * as words from "./words";
import { address, word } from "./words";

/** First byte that a plan may use. */
export function base(): usize {
  return (__heap_base + 63) & ~(63 as usize);
}

/** Makes the memory at least `end` bytes. Returns 0, or 1 if it could not grow. */
export function reserve(end: usize): i32 {
  const pages = <i32>((end + 65535) >> 16);
  const have = memory.size();
  return pages > have && memory.grow(pages - have) < 0 ? 1 : 0;
}

/** Some rows and columns of a depthwise convolution, whose words begin at `first`. */
// @ts-ignore: decorator
@inline
function runDepthwisePart(
  step: usize, first: usize, y: i32, x: i32, rows: i32, columns: i32, to: usize, toRow: usize, toPitch: usize,
): void {
  const down = address(step, first + 2), pitch = address(step, first + 3), stride = word(step, first + 4);
  convolveDepthwise(
    address(step, first) + (<usize>y) * down + (<usize>(x * stride)) * pitch,
    address(step, first + 1), pitch, down, stride, rows, columns, word(step, first + 5), address(step, first + 6),
    address(step, first + 7), address(step, first + 8), word(step, first + 9), word(step, first + 10),
    address(step, first + 11), to, toRow, toPitch,
  );
}

/**
 * Strips of some rows and columns: what a strip reads and writes stays in the first cache. Words:
 * from, row, segments, their number, floats of each, weights, bias, vectors, to, row, positions, columns, rows of a
 * strip, rows, residual or 0, its row, activation, slopes, scratch or 0, the twelve of a depthwise convolution that fills
 * the scratch, columns of a strip, and bytes from pixel to pixel of the source, the target and the residual.
 */
function runProduct(step: usize): void {
  const columns = word(step, 12), stripRows = word(step, 13), rows = word(step, 14);
  const residual = address(step, 15), residualRow = address(step, 16), scratch = address(step, 19);
  const pixel = (<usize>word(step, 25)) * VECTOR;
  const stripColumns = word(step, 32);
  for (let y = 0; y < rows; y += stripRows) {
    const height = min(stripRows, rows - y);
    for (let column = 0; column < columns; column += stripColumns) {
      // The last strip of a row computes some columns again.
      const x = min(column, columns - stripColumns);
      let from = address(step, 1) + (<usize>y) * address(step, 2) + (<usize>x) * address(step, 33);
      if (scratch != 0) {
        from = scratch;
        runDepthwisePart(step, 20, y, x, height, stripColumns, scratch, (<usize>stripColumns) * pixel, pixel);
      }
      multiplyStrip(
        from, address(step, 11), height * stripColumns, address(step, 3), word(step, 4), word(step, 5),
        address(step, 6), address(step, 7), word(step, 8),
        address(step, 9) + (<usize>y) * address(step, 10) + (<usize>x) * address(step, 34),
        residual == 0 ? 0 : residual + (<usize>y) * residualRow + (<usize>x) * address(step, 35),
        word(step, 17), address(step, 18),
      );
    }
  }
}

/** Words: to, row, pitch, rows, columns, and the twelve of a depthwise convolution from word 20. */
function runDepthwise(step: usize): void {
  const row = address(step, 2), rows = word(step, 4);
  for (let y = 0; y < rows; y += 2) {
    const to = address(step, 1) + (<usize>y) * row;
    runDepthwisePart(step, 20, y, 0, min(2, rows - y), word(step, 5), to, row, address(step, 3));
  }
}

/** Runs `count` steps. */
export function run(steps: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const operation = word(steps, 0);
    if (operation == words.PRODUCT) runProduct(steps);
    else if (operation == words.WINOGRAD) convolveTiles(steps);
    else if (operation == words.DEPTHWISE) runDepthwise(steps);
    else if (operation == words.MAX_POOL) poolMaximum(steps);
    else if (operation == words.AVERAGE_POOL) poolAverage(steps);
    else if (operation == words.ADD || operation == words.ACTIVATE) combine(steps, false);
    else if (operation == words.MULTIPLY) combine(steps, true);
    else if (operation == words.COPY) copy(steps);
    else if (operation == words.MOVE) move(steps);
    else if (operation == words.RESIZE) resize(steps);
    else if (operation == words.SOFTMAX) softmax(steps);
    else if (operation == words.SAMPLE) sample(steps);
    steps += (<usize>words.STEP) << 2;
  }
}

/** Runs `count` steps of `groups` groups of four faces. */
export function runBatch(steps: usize, count: i32, groups: i32): void {
  for (let i = 0; i < count; i++) {
    const operation = word(steps, 0);
    if (operation == batch.UNPACK) unpack(steps, groups);
    else if (operation == batch.WINOGRAD) convolveWinograd(steps, groups);
    else if (operation == batch.DIRECT) convolveDirect(steps, groups);
    else if (operation == batch.DEPTHWISE) convolveChannels(steps, groups);
    else if (operation == batch.MAX_POOL) poolBatch(steps, groups, false);
    else if (operation == batch.AVERAGE_POOL) poolBatch(steps, groups, true);
    else if (operation == batch.ADD) combineBatch(steps, groups, false);
    else if (operation == batch.MULTIPLY) combineBatch(steps, groups, true);
    else if (operation == batch.COPY) copyBatch(steps, groups);
    else if (operation == batch.SOFTMAX) softmaxBatch(steps, groups);
    else if (operation == batch.MOVE) moveBatch(steps, groups);
    else if (operation == batch.RESIZE) resizeBatch(steps, groups);
    else if (operation == batch.SAMPLE) sampleBatch(steps, groups);
    steps += (<usize>words.STEP) << 2;
  }
}
