/**
 * Draws a review's sample in one pass over the records, with memory for the sample only: each cell keeps the faces with
 * the lowest random priorities (a bottom-k sketch; Cohen and Kaplan 2007), so what it keeps is a simple random sample.
 */

import {
  allocateSample,
  chooseKeys,
  findBand,
  groupCells,
  MARGIN_BANDS,
  nameStratum,
  type PlannedStratum,
  type StratumKey,
} from "./sample-design.ts";

/** A scored face as the draw sees it. */
export interface DrawnFace {
  /** 0-based number of its record: with the seed it decides the priority. */
  readonly index: number;
  readonly label: number;
  readonly margin: number;
  /** In label order. */
  readonly probabilities: readonly number[];
}

/** A face of the sample, in the order of reading. */
export interface SampleFace<Face> {
  readonly face: Face;
  /** Index of its stratum in {@link Sample.strata}. */
  readonly stratum: number;
}

/** A stratified random sample. */
export interface Sample<Face> {
  readonly strata: readonly PlannedStratum[];
  /** In the order to read them in: see {@link orderFaces}. */
  readonly faces: readonly SampleFace<Face>[];
}

interface Cell<Face> {
  readonly key: StratumKey;
  population: number;
  readonly probabilities: number[];
  readonly squares: number[];
  /** Sorted where `sorted` is true; at most twice as many as are kept. */
  held: { readonly face: Face; readonly priority: number }[];
  /** No face above it is kept. */
  limit: number;
}

/** MurmurHash3's 32-bit finalizer. */
function mixBits(start: number): number {
  let word = start | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** Uniform in [0, 1), from a seed and a number: the same in whatever order the faces come. */
export function computePriority(seed: number, index: number): number {
  const first = mixBits(mixBits(index + 0x9e3779b9) ^ mixBits(seed));
  const second = mixBits(first + Math.floor(index / 2 ** 32) + 0x7f4a7c15);
  return (first * 2 ** 21 + (second >>> 11)) / 2 ** 53;
}

/** A draw under way, fed with one face after the other. */
export interface SampleDraw<Face extends DrawnFace> {
  /** @param group value of the group that the sample is stratified by; `null` for a value without strata of its own */
  add(face: Face, group: string | null): void;
  /** Cells seen so far, sorted by name. */
  cells(): readonly Omit<PlannedStratum, "allocated">[];
  /** The sample of `size` faces. @throws ScoringError `validation_failed` if these are too few for the strata */
  finish(size: number): Sample<Face>;
}

/** Bands of each label. */
const BANDS = MARGIN_BANDS.length + 1;

/** Begins a draw. `most` is the largest size that {@link SampleDraw.finish} will be asked for. */
export function createSampleDraw<Face extends DrawnFace>(seed: number, most: number): SampleDraw<Face> {
  /** By group, then by label and band: one look-up of a text for each face, and none of a name made for it. */
  const byGroup = new Map<string | null, Cell<Face>[]>();

  function trim(cell: Cell<Face>): void {
    cell.held.sort((a, b) => a.priority - b.priority);
    cell.held.length = Math.min(cell.held.length, most);
    if (cell.held.length === most) cell.limit = cell.held[most - 1]?.priority ?? 1;
  }

  function open(label: number, band: number, group: string | null): Cell<Face> {
    const cells = byGroup.get(group) ?? [];
    byGroup.set(group, cells);
    return (cells[label * BANDS + band] ??= {
      key: { label, band, group },
      population: 0,
      probabilities: [],
      squares: [],
      held: [],
      limit: 1,
    });
  }

  const listCells = (): Cell<Face>[] =>
    [...byGroup.values()]
      // Bands without a face are holes, which flat() leaves out.
      .flat()
      .map((cell) => ({ cell, name: nameStratum(cell.key) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ cell }) => cell);

  return {
    add(face, group) {
      const cell = open(face.label, findBand(face.margin), group);
      cell.population += 1;
      for (let label = 0; label < face.probabilities.length; label += 1) {
        const probability = face.probabilities[label] ?? 0;
        cell.probabilities[label] = (cell.probabilities[label] ?? 0) + probability;
        cell.squares[label] = (cell.squares[label] ?? 0) + probability * probability;
      }
      const priority = computePriority(seed, face.index);
      if (priority >= cell.limit) return;
      cell.held.push({ face, priority });
      if (cell.held.length >= 2 * most) trim(cell);
    },
    cells: () =>
      listCells().map(({ key, population, probabilities, squares }) => ({ key, population, probabilities, squares })),
    finish(size) {
      const cells = listCells();
      const toKey = chooseKeys(cells, size);
      const strata = groupCells(cells, toKey);
      const allocation = allocateSample(strata, size);
      const names = strata.map(({ key }) => nameStratum(key));
      const drawn = strata.map((_, index) =>
        cells
          .filter(({ key }) => nameStratum(toKey(key)) === names[index])
          .flatMap(({ held }) => held)
          .sort((a, b) => a.priority - b.priority)
          .slice(0, allocation[index] ?? 0)
          .map(({ face }) => face),
      );
      return {
        strata: strata.map((stratum, index) => ({ ...stratum, allocated: allocation[index] ?? 0 })),
        faces: orderFaces(drawn, seed),
      };
    },
  };
}

/**
 * The order of reading: two faces of every stratum first, then all strata at an even pace. Each stratum's faces come in
 * random order, so what was read of it is a simple random sample whenever the reader stops.
 */
function orderFaces<Face extends DrawnFace>(drawn: readonly (readonly Face[])[], seed: number): SampleFace<Face>[] {
  return drawn
    .flatMap((faces, stratum) =>
      faces.map((face, at) => {
        const lot = computePriority(seed + 1, face.index);
        return { face, stratum, turn: at < 2 ? at - 2 + lot : (at + lot) / faces.length };
      }),
    )
    .sort((a, b) => a.turn - b.turn)
    .map(({ face, stratum }) => ({ face, stratum }));
}
