/** FER2013 as its csv, or as lossless sheets. */

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ScoringError } from "../errors.ts";
import { loadCodecs } from "../image/codecs-node.ts";
import { createImageDecoder } from "../image/decode.ts";
import { type PixelForm, preprocessFace } from "../image/preprocess.ts";
import { FACE_PIXELS, FACE_SIZE, LABEL_COUNT, LABELS, type Label } from "../model/labels.ts";
import { LIMITS } from "../scoring/limits.ts";
import { createCollector, type Dataset, type DatasetOptions, matchLabel } from "./dataset.ts";

/** Names of usage codes in `usage.u8`. */
const USAGES = ["Training", "PublicTest", "PrivateTest"] as const;

function nameDataset(usage: string): string {
  return usage === "all" ? "FER2013" : `FER2013 ${usage}`;
}

function checkUsage(usage: string): void {
  if (usage !== "all" && !USAGES.some((known) => known === usage)) {
    throw new ScoringError("validation_failed", `--usage is one of ${USAGES.join(", ")}, all; not ${usage}`);
  }
}

/** FER2013's classes as indices of the model's labels. @throws ScoringError `validation_failed` if the model lacks one */
function mapLabels(labels: readonly Label[] = LABELS): readonly number[] {
  return LABELS.map((name) => {
    const label = matchLabel(name, labels);
    if (label >= 0) return label;
    throw new ScoringError("validation_failed", `FER2013 has faces of ${name}, which is none of ${labels.join(", ")}`);
  });
}

/** A face as the model takes it: of 48×48 gray as it is. */
function fitFace(face: Uint8Array, input: PixelForm | undefined): Uint8Array {
  return preprocessFace({ width: FACE_SIZE, height: FACE_SIZE, channels: 1, data: face }, null, input);
}

function parsePixels(text: string, line: number): Uint8Array {
  const values = text.trim().split(/\s+/);
  const face = Uint8Array.from(values, Number);
  const whole = values.every((value) => /^\d{1,3}$/.test(value) && Number(value) <= 255);
  if (face.length !== FACE_PIXELS || !whole)
    throw new ScoringError("validation_failed", `line ${line}: not ${FACE_PIXELS} pixels between 0 and 255`);
  return face;
}

/** Reads `emotion,pixels,Usage` of the original fer2013.csv, streamed. The Usage column may be missing. */
export async function readFerCsv(path: string, options: DatasetOptions): Promise<Dataset> {
  checkUsage(options.usage);
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  const classes = mapLabels(options.labels);
  const collector = createCollector(options);
  let columns: string[] | null = null;
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const cells = line.split(",").map((cell) => cell.trim().replace(/^"|"$/g, ""));
    if (columns === null) {
      columns = cells.map((cell) => cell.toLowerCase());
      if (!columns.includes("emotion") || !columns.includes("pixels")) {
        throw new ScoringError("validation_failed", `${path}: the first line must name the columns emotion and pixels`);
      }
      continue;
    }
    if (line === "" || collector.count() >= options.limit) continue;
    const cell = (name: string): string => cells[columns?.indexOf(name) ?? -1] ?? "";
    if (options.usage !== "all" && columns.includes("usage") && cell("usage") !== options.usage) continue;
    const label = Number(cell("emotion"));
    if (!/^[0-6]$/.test(cell("emotion")))
      throw new ScoringError("validation_failed", `${path}: line ${number}: emotion must be 0 to ${LABEL_COUNT - 1}`);
    collector.add(fitFace(parsePixels(cell("pixels"), number), options.input), classes[label] ?? 0);
  }
  return collector.finish(nameDataset(options.usage));
}

const SHEET_SIDE = 30;
const SHEET_FACES = SHEET_SIDE * SHEET_SIDE;

/** Reads lossless sheets of 30×30 faces (`sheet-00.png` …) with `labels.u8` and `usage.u8`, one byte per face each. */
export async function readFerSheets(folder: string, options: DatasetOptions): Promise<Dataset> {
  checkUsage(options.usage);
  const [labels, usages] = await Promise.all([readFile(join(folder, "labels.u8")), readFile(join(folder, "usage.u8"))]);
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const wanted = [...labels.keys()]
    .filter((row) => options.usage === "all" || USAGES[usages[row] ?? -1] === options.usage)
    .slice(0, options.limit);
  const classes = mapLabels(options.labels);
  const collector = createCollector(options);
  let sheet = { number: -1, data: new Uint8Array(0), width: 0 };
  for (const row of wanted) {
    const number = Math.floor(row / SHEET_FACES);
    if (sheet.number !== number) {
      const path = join(folder, `sheet-${String(number).padStart(2, "0")}.png`);
      const { raster } = await decoder.decode(await readFile(path));
      if (raster.channels !== 1 || raster.width !== SHEET_SIDE * FACE_SIZE) {
        throw new ScoringError("validation_failed", `${path}: not a gray sheet`);
      }
      sheet = { number, data: new Uint8Array(raster.data), width: raster.width };
    }
    const at = row % SHEET_FACES;
    const left = (at % SHEET_SIDE) * FACE_SIZE;
    const top = Math.floor(at / SHEET_SIDE) * FACE_SIZE;
    const face = new Uint8Array(FACE_PIXELS);
    for (let y = 0; y < FACE_SIZE; y += 1) {
      const start = (top + y) * sheet.width + left;
      face.set(sheet.data.subarray(start, start + FACE_SIZE), y * FACE_SIZE);
    }
    collector.add(fitFace(face, options.input), classes[labels[row] ?? 0] ?? 0);
  }
  return collector.finish(nameDataset(options.usage));
}
