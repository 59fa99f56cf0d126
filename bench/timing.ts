/** Interleaved timing: every contestant once a round, so that whatever else the machine does hits all alike. */

/**
 * Milliseconds of CPU that this process has used, all threads and the system's part: what a Worker is billed for, and
 * what stays the same when other programs take turns on the core.
 */
export function readCpuClock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of each round, by contestant. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** A contestant: one call that returns the milliseconds it took. */
export interface Contestant {
  readonly name: string;
  readonly time: () => Promise<number>;
}

/** Runs rounds for `seconds`, at least `least`, after `warmUp` rounds that are not counted. */
export async function runRounds(
  contestants: readonly Contestant[],
  options: { readonly seconds: number; readonly least: number; readonly warmUp: number },
): Promise<Rounds> {
  const rounds = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let i = 0; i < options.warmUp; i++) {
    for (const contestant of contestants) await contestant.time();
  }
  const end = performance.now() + options.seconds * 1000;
  for (let i = 0; i < options.least || performance.now() < end; i++) {
    for (const { name, time } of contestants) rounds.get(name)!.push(await time());
  }
  return rounds;
}

/** Value below which the share `share` of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** How one contestant did. Rates are faces per second of CPU. */
export interface Rate {
  readonly name: string;
  readonly rounds: number;
  readonly median: number;
  /** Rate that a tenth of the rounds stayed below, and that a tenth exceeded. */
  readonly low: number;
  readonly high: number;
  readonly best: number;
}

function toRate(faces: number, milliseconds: number): number {
  return (1000 * faces) / milliseconds;
}

/** Rates of `faces` faces per call. */
export function summarizeRounds(rounds: Rounds, faces: number): Rate[] {
  return [...rounds].map(([name, times]) => {
    return {
      name,
      rounds: times.length,
      median: toRate(faces, quantile(times, 0.5)),
      low: toRate(faces, quantile(times, 0.9)),
      high: toRate(faces, quantile(times, 0.1)),
      best: toRate(faces, Math.min(...times)),
    };
  });
}

/** How many times faster `name` was than `other`: the median over rounds of the quotient within a round. */
export function compareRounds(rounds: Rounds, name: string, other: string): number {
  const mine = rounds.get(name) ?? [];
  const theirs = rounds.get(other) ?? [];
  return quantile(
    mine.map((time, i) => (theirs[i] ?? Number.NaN) / time),
    0.5,
  );
}
