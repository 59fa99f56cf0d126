/** Quantiles and tails that the console's pages need: the library for all distributions would be half of their script. */

type Coefficients = readonly number[];

/** Quotient of two polynomials at `x`, lowest powers first. */
function divide(numerator: Coefficients, denominator: Coefficients, x: number): number {
  const evaluate = (powers: Coefficients): number => powers.reduceRight((sum, factor) => sum * x + factor, 0);
  return evaluate(numerator) / evaluate(denominator);
}

const CENTER: readonly [Coefficients, Coefficients] = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
];
const FLANK: readonly [Coefficients, Coefficients] = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
];
const END: readonly [Coefficients, Coefficients] = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 0.000018463183175100548,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
];

/**
 * The standard normal distribution's quantile, to 16 digits (Wichura 1988, Algorithm AS 241, PPND16, Applied Statistics 37:477–484).
 * @param p 0…1, both excluded
 */
export function findNormalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * divide(...CENTER, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  return Math.sign(q) * (r <= 5 ? divide(...FLANK, r - 1.6) : divide(...END, r - 5));
}

/** log Γ of half of a whole number of at least 1. */
function logGammaOfHalf(twice: number): number {
  let sum = twice % 2 === 0 ? 0 : Math.log(Math.PI) / 2;
  for (let at = twice % 2 === 0 ? 1 : 0.5; at < twice / 2; at += 1) sum += Math.log(at);
  return sum;
}

/**
 * Probability of a chi-square of at least `chiSquare`: the incomplete gamma function by its series, or by Lentz's continued fraction
 * (Press et al., Numerical Recipes, 6.2).
 * @param chiSquare 0…∞
 * @param degrees of freedom, a whole number of at least 1
 */
export function computeChiSquareTail(chiSquare: number, degrees: number): number {
  if (chiSquare <= 0) return 1;
  const [a, x] = [degrees / 2, chiSquare / 2];
  const factor = Math.exp(a * Math.log(x) - x - logGammaOfHalf(degrees));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let at = a + 1; term > sum * Number.EPSILON; at += 1) sum += term *= x / at;
    return Math.max(0, 1 - factor * sum);
  }
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let at = 1, step = 0; Math.abs(step - 1) > 1e-15; at += 1) {
    const product = at * (a - at);
    b += 2;
    d = 1 / (b + product * d);
    c = b + product / c;
    step = c * d;
    fraction *= step;
  }
  return factor * fraction;
}
