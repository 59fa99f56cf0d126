/**
 * A small JPEG encoder, so that tests can make large pictures instead of carrying them: 4:2:0, the tables of ITU-T T.81
 * annex K, baseline in one scan or progressive by spectral selection (one scan of DC, one of AC for each component).
 */

export interface JpegOptions {
  readonly width: number;
  readonly height: number;
  readonly progressive?: boolean;
  /** EXIF orientation; no EXIF segment if absent. */
  readonly orientation?: number;
  /** Divides the quantization tables' values: 1 is about quality 50. */
  readonly quality?: number;
  /** Writes R, G, B of one stored pixel to `out[0…2]`. */
  readonly readPixel: (x: number, y: number, out: Float32Array) => void;
}

const ZIGZAG = buildZigzag();
const LUMA_QUANT = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87,
  80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92,
  95, 98, 112, 100, 103, 99,
];
/** DC: code lengths of annex K.3.1, symbols in order. AC: every (run, size) in 8 bits and a half, made up: see below. */
const DC_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_SYMBOLS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/** A plain AC table: end of block and small values short, all other (run, size) pairs in 9 bits. */
const AC_SYMBOLS = buildAcSymbols();
const AC_COUNTS = [0, 1, 1, 2, 2, 0, 0, 0, AC_SYMBOLS.length - 6, 0, 0, 0, 0, 0, 0, 0];

/** Encodes one picture. @returns a complete JPEG file */
export function encodeJpeg(options: JpegOptions): Uint8Array<ArrayBuffer> {
  const { width, height, progressive = false, orientation, quality = 1 } = options;
  const quant = LUMA_QUANT.map((value) => Math.max(1, Math.round(value / quality)));
  const blocks = transform(options, quant);
  const out = new ByteWriter();
  out.bytes([0xff, 0xd8]);
  if (orientation !== undefined) {
    const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1];
    out.segment(0xe1, [...exif, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
  }
  out.segment(0xdb, [0, ...ZIGZAG.map((at) => quant[at]!)]);
  const sizes = [height >> 8, height & 255, width >> 8, width & 255];
  out.segment(progressive ? 0xc2 : 0xc0, [8, ...sizes, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
  out.segment(0xc4, [0, ...DC_COUNTS, ...DC_SYMBOLS]);
  out.segment(0xc4, [0x10, ...AC_COUNTS, ...AC_SYMBOLS]);
  if (progressive) {
    out.segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    writeScan(out, blocks.interleaved, true, false);
    for (const [i, own] of blocks.own(width, height).entries()) {
      out.segment(0xda, [1, i + 1, 0, 1, 63, 0]);
      writeScan(out, own, false, true);
    }
  } else {
    out.segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    writeScan(out, blocks.interleaved, true, true);
  }
  out.bytes([0xff, 0xd9]);
  return out.finish();
}

/** One 8×8 block's quantized values in zigzag order, and whose prediction it follows. */
interface Block {
  readonly component: number;
  readonly values: Int16Array;
}

interface Blocks {
  /** In the order of an interleaved scan: four luma, two chroma a unit. */
  readonly interleaved: readonly Block[];
  /** In the order of a scan of one component: its rows, cut to the picture. */
  own(width: number, height: number): readonly (readonly Block[])[];
}

function transform(options: JpegOptions, quant: readonly number[]): Blocks {
  const { width, height, readPixel } = options;
  const across = Math.ceil(width / 16);
  const down = Math.ceil(height / 16);
  const all: Block[] = [];
  const rgb = new Float32Array(3);
  const luma = new Float32Array(256);
  const blue = new Float32Array(64);
  const red = new Float32Array(64);
  const tile = new Float32Array(64);
  const push = (component: number, samples: Float32Array): void => {
    all.push({ component, values: quantize(samples, quant) });
  };
  for (let my = 0; my < down; my++) {
    for (let mx = 0; mx < across; mx++) {
      blue.fill(0);
      red.fill(0);
      for (let i = 0; i < 256; i++) {
        readPixel(Math.min(width - 1, mx * 16 + (i & 15)), Math.min(height - 1, my * 16 + (i >> 4)), rgb);
        const [r = 0, g = 0, b = 0] = rgb;
        const y = 0.299 * r + 0.587 * g + 0.114 * b;
        luma[i] = y - 128;
        const chroma = ((i >> 5) << 3) + ((i & 15) >> 1);
        blue[chroma]! += (0.564 * (b - y)) / 4;
        red[chroma]! += (0.713 * (r - y)) / 4;
      }
      for (let k = 0; k < 4; k++) {
        for (let i = 0; i < 64; i++) tile[i] = luma[((k >> 1) * 8 + (i >> 3)) * 16 + (k & 1) * 8 + (i & 7)]!;
        push(0, tile);
      }
      push(1, blue);
      push(2, red);
    }
  }
  return {
    interleaved: all,
    own: () => {
      const lumaRows: Block[] = [];
      for (let row = 0; row < Math.ceil(height / 8); row++) {
        for (let column = 0; column < Math.ceil(width / 8); column++) {
          const unit = (row >> 1) * across + (column >> 1);
          lumaRows.push(all[unit * 6 + (row & 1) * 2 + (column & 1)]!);
        }
      }
      return [lumaRows, all.filter(({ component }) => component === 1), all.filter(({ component }) => component === 2)];
    },
  };
}

const COSINES = Float32Array.from({ length: 64 }, (_, i) => {
  const frequency = i >> 3;
  return (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * (i & 7) + 1) * frequency * Math.PI) / 16);
});
const ROWS = new Float32Array(64);

function quantize(samples: Float32Array, quant: readonly number[]): Int16Array {
  for (let y = 0; y < 8; y++) {
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      for (let x = 0; x < 8; x++) sum += samples[y * 8 + x]! * COSINES[u * 8 + x]!;
      ROWS[y * 8 + u] = sum;
    }
  }
  const values = new Int16Array(64);
  for (let k = 0; k < 64; k++) {
    const at = ZIGZAG[k]!;
    let sum = 0;
    for (let y = 0; y < 8; y++) sum += ROWS[y * 8 + (at & 7)]! * COSINES[(at >> 3) * 8 + y]!;
    values[k] = Math.round(sum / quant[at]!);
  }
  return values;
}

const DC_CODES = buildCodes(DC_COUNTS, DC_SYMBOLS);
const AC_CODES = buildCodes(AC_COUNTS, AC_SYMBOLS);

function writeScan(out: ByteWriter, blocks: readonly Block[], withDc: boolean, withAc: boolean): void {
  const previous = [0, 0, 0];
  for (const { component, values } of blocks) {
    if (withDc) {
      const dc = values[0]!;
      writeValue(out, DC_CODES, 0, dc - previous[component]!);
      previous[component] = dc;
    }
    if (!withAc) continue;
    let run = 0;
    for (let k = 1; k < 64; k++) {
      const value = values[k]!;
      if (value === 0) {
        run++;
        continue;
      }
      for (; run > 15; run -= 16) writeCode(out, AC_CODES, 0xf0);
      writeValue(out, AC_CODES, run << 4, value);
      run = 0;
    }
    if (run > 0) writeCode(out, AC_CODES, 0);
  }
  out.flushBits();
}

function writeValue(out: ByteWriter, codes: readonly Code[], symbolBase: number, value: number): void {
  const size = 32 - Math.clz32(Math.abs(value));
  writeCode(out, codes, symbolBase | size);
  if (size > 0) out.bits(value < 0 ? value + (1 << size) - 1 : value, size);
}

function writeCode(out: ByteWriter, codes: readonly Code[], symbol: number): void {
  const code = codes[symbol];
  if (code === undefined) throw new Error(`no code for symbol ${symbol}`);
  out.bits(code.bits, code.length);
}

interface Code {
  readonly bits: number;
  readonly length: number;
}

function buildCodes(counts: readonly number[], symbols: readonly number[]): readonly Code[] {
  const codes: Code[] = [];
  let bits = 0;
  let at = 0;
  for (const [i, count] of counts.entries()) {
    for (let n = 0; n < count; n++) codes[symbols[at++]!] = { bits: bits++, length: i + 1 };
    bits <<= 1;
  }
  return codes;
}

function buildAcSymbols(): readonly number[] {
  const short = [0x01, 0x00, 0x02, 0x11, 0x03, 0x21];
  const rest: number[] = [0xf0];
  for (let run = 0; run < 16; run++) for (let size = 1; size <= 10; size++) rest.push((run << 4) | size);
  return [...short, ...rest.filter((symbol) => !short.includes(symbol))];
}

function buildZigzag(): readonly number[] {
  const order: number[] = [];
  for (let sum = 0; sum < 15; sum++) {
    for (let i = 0; i <= sum; i++) {
      const [row, column] = sum % 2 === 0 ? [sum - i, i] : [i, sum - i];
      if (row < 8 && column < 8) order.push(row * 8 + column);
    }
  }
  return order;
}

class ByteWriter {
  #data = new Uint8Array(1 << 20);
  #length = 0;
  #bits = 0;
  #bitCount = 0;

  bytes(values: readonly number[]): void {
    for (const value of values) this.#push(value);
  }

  segment(marker: number, payload: readonly number[]): void {
    const length = payload.length + 2;
    this.bytes([0xff, marker, length >> 8, length & 255, ...payload]);
  }

  bits(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value;
    this.#bitCount += count;
    while (this.#bitCount >= 8) {
      const byte = (this.#bits >> (this.#bitCount - 8)) & 255;
      this.#push(byte);
      if (byte === 0xff) this.#push(0);
      this.#bitCount -= 8;
      this.#bits &= (1 << this.#bitCount) - 1;
    }
  }

  flushBits(): void {
    if (this.#bitCount > 0) this.bits((1 << (8 - this.#bitCount)) - 1, 8 - this.#bitCount);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }

  #push(byte: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Uint8Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.#length++] = byte;
  }
}
