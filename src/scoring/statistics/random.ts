/** Seeded randomness: a resampled interval must be the same whenever and wherever it is computed. */

/** A stream of random numbers. */
export interface RandomSource {
  /** Uniform in (0, 1). */
  next(): number;
  /** Standard normal. */
  nextNormal(): number;
  /** Gamma with this shape ≥ 0 and scale 1; 0 for shape 0. */
  nextGamma(shape: number): number;
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/**
 * xoshiro128++ (Blackman and Vigna 2021, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47:36), its state
 * filled from the seed by splitmix32. Gamma by Marsaglia and Tsang 2000 (ACM TOMS 26:363–372).
 */
export function createRandom(seed: number): RandomSource {
  let mixed = seed | 0;
  function splitmix(): number {
    mixed = (mixed + 0x9e3779b9) | 0;
    let word = mixed;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return word ^ (word >>> 16);
  }
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();

  function next(): number {
    const result = (rotate((a + d) | 0, 7) + a) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    // Half a step up, so that the logarithm never sees 0.
    return (result + 0.5) / 2 ** 32;
  }

  const nextNormal = (): number => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());

  function nextGamma(shape: number): number {
    if (shape <= 0) return 0;
    if (shape < 1) return nextGamma(shape + 1) * next() ** (1 / shape);
    const base = shape - 1 / 3;
    const slope = 1 / Math.sqrt(9 * base);
    for (;;) {
      const normal = nextNormal();
      const cube = (1 + slope * normal) ** 3;
      if (cube > 0 && Math.log(next()) < normal ** 2 / 2 + base - base * cube + base * Math.log(cube)) {
        return base * cube;
      }
    }
  }
  return { next, nextNormal, nextGamma };
}

/** Shares drawn from Dirichlet(counts): a count of 0 stays a share of 0. */
export function drawShares(random: RandomSource, counts: readonly number[]): number[] {
  const draws = counts.map((count) => random.nextGamma(count));
  const sum = draws.reduce((total, draw) => total + draw, 0);
  return sum > 0 ? draws.map((draw) => draw / sum) : draws;
}
