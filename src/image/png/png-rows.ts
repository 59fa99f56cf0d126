/** From inflated PNG bytes to pixels: filters, bit depths, palette and Adam7 passes. */

import { ScoringError } from "../../errors.ts";
import { planPlacement, type Placement } from "../exif.ts";
import type { ImageHeader } from "../image-types.ts";

/** Takes inflated bytes in any portions and writes pixels into the array it was made with. */
export interface RowReader {
  write(chunk: Uint8Array): void;
  isDone(): boolean;
}

/** One sweep over the picture: its first column and row, and the steps between its pixels. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
}

/** W3C PNG §8.1: first column, first row, column step, row step of the seven passes. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * @param palette RGB triples, for color type 3; an index past its end is that shade of gray, 0…255, as Pillow has it
 * @param out `width × height × channels` bytes, written row by row, each pixel where it belongs upright
 */
export function createRowReader(
  header: ImageHeader,
  palette: Uint8Array | null,
  out: Uint8Array,
  channels: 1 | 3,
): RowReader {
  const bitsPerPixel = header.components * header.bitDepth;
  const filterStep = Math.max(1, bitsPerPixel >> 3);
  const passes = planPasses(header);
  const putRow = createRowWriter(header, palette, out, channels);
  let passIndex = 0;
  let row = 0;
  let filled = 0;
  let line = new Uint8Array(0);
  let above = new Uint8Array(0);
  startPass();

  function startPass(): void {
    const pass = passes[passIndex];
    const lineBytes = pass === undefined ? 0 : 1 + Math.ceil((pass.width * bitsPerPixel) / 8);
    line = new Uint8Array(lineBytes);
    above = new Uint8Array(lineBytes);
    row = 0;
  }

  function finishRow(pass: Pass): void {
    unfilter(line, above, filterStep);
    putRow(line, pass, pass.y + row * pass.stepY);
    [line, above] = [above, line];
    filled = 0;
    row++;
    if (row === pass.height) {
      passIndex++;
      startPass();
    }
  }

  return {
    write(chunk) {
      let at = 0;
      for (let pass = passes[passIndex]; pass !== undefined && at < chunk.length; pass = passes[passIndex]) {
        const take = Math.min(line.length - filled, chunk.length - at);
        line.set(chunk.subarray(at, at + take), filled);
        filled += take;
        at += take;
        if (filled === line.length) finishRow(pass);
      }
    },
    isDone: () => passIndex >= passes.length,
  };
}

function planPasses(header: ImageHeader): readonly Pass[] {
  const { width, height } = header;
  if (!header.progressive) return [{ x: 0, y: 0, stepX: 1, stepY: 1, width, height }];
  return ADAM7.map(([x, y, stepX, stepY]) => ({
    x,
    y,
    stepX,
    stepY,
    width: Math.max(0, Math.ceil((width - x) / stepX)),
    height: Math.max(0, Math.ceil((height - y) / stepY)),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Undoes the row's filter in place (§9.2); byte 0 is the filter type. */
function unfilter(line: Uint8Array, above: Uint8Array, step: number): void {
  const type = line[0];
  const length = line.length;
  switch (type) {
    case 0:
      return;
    case 1:
      for (let i = 1 + step; i < length; i++) line[i] = line[i]! + line[i - step]!;
      return;
    case 2:
      for (let i = 1; i < length; i++) line[i] = line[i]! + above[i]!;
      return;
    case 3:
      for (let i = 1; i < length; i++) {
        const left = i > step ? line[i - step]! : 0;
        line[i] = line[i]! + ((left + above[i]!) >> 1);
      }
      return;
    case 4:
      for (let i = 1; i < length; i++) {
        const left = i > step ? line[i - step]! : 0;
        const up = above[i]!;
        const upLeft = i > step ? above[i - step]! : 0;
        line[i] = line[i]! + predictPaeth(left, up, upLeft);
      }
      return;
    default:
      throw new ScoringError("image_corrupt", `PNG row with filter ${type}`);
  }
}

function predictPaeth(left: number, up: number, upLeft: number): number {
  const distanceLeft = Math.abs(up - upLeft);
  const distanceUp = Math.abs(left - upLeft);
  const distanceUpLeft = Math.abs(left + up - 2 * upLeft);
  if (distanceLeft <= distanceUp && distanceLeft <= distanceUpLeft) return left;
  return distanceUp <= distanceUpLeft ? up : upLeft;
}

type PutRow = (line: Uint8Array, pass: Pass, y: number) => void;

function createRowWriter(header: ImageHeader, palette: Uint8Array | null, out: Uint8Array, channels: 1 | 3): PutRow {
  const { bitDepth, components } = header;
  const place = planPlacement(header.width, header.height, header.orientation);
  if (bitDepth < 8 || header.colorType === 3) {
    return createPackedWriter(place, bitDepth, expandTable(bitDepth, palette, channels), out, channels);
  }
  const sampleBytes = bitDepth >> 3;
  const stride = components * sampleBytes;
  return (line, pass, y) => {
    const start = (place.base + pass.x * place.stepX + y * place.stepY) * channels;
    const step = pass.stepX * place.stepX * channels;
    if (step === channels && stride === channels) {
      out.set(line.subarray(1), start);
      return;
    }
    for (let i = 0, from = 1, to = start; i < pass.width; i++, from += stride, to += step) {
      // The high byte of a 16-bit sample comes first.
      out[to] = line[from]!;
      if (channels === 3) {
        out[to + 1] = line[from + sampleBytes]!;
        out[to + 2] = line[from + 2 * sampleBytes]!;
      }
    }
  };
}

/** Samples of 1, 2, 4 or 8 bits that go through a table. */
function createPackedWriter(
  place: Placement,
  bitDepth: number,
  table: Uint8Array,
  out: Uint8Array,
  channels: 1 | 3,
): PutRow {
  const mask = (1 << bitDepth) - 1;
  return (line, pass, y) => {
    let to = (place.base + pass.x * place.stepX + y * place.stepY) * channels;
    const step = pass.stepX * place.stepX * channels;
    for (let i = 0; i < pass.width; i++, to += step) {
      const bit = i * bitDepth;
      const value = (line[1 + (bit >> 3)]! >> (8 - bitDepth - (bit & 7))) & mask;
      for (let c = 0; c < channels; c++) out[to + c] = table[value * channels + c]!;
    }
  };
}

/** What each stored value becomes: palette colors, or gray stretched to 0…255. */
function expandTable(bitDepth: number, palette: Uint8Array | null, channels: 1 | 3): Uint8Array {
  const table = new Uint8Array((1 << bitDepth) * channels);
  if (channels === 3) {
    // Pillow's rule for what the palette leaves open.
    for (let i = 0; i < table.length; i++) table[i] = i / 3;
    if (palette !== null) table.set(palette.subarray(0, Math.min(palette.length - (palette.length % 3), table.length)));
    return table;
  }
  const scale = 255 / ((1 << bitDepth) - 1);
  for (let i = 0; i < table.length; i++) table[i] = i * scale;
  return table;
}
