/** The few functions used of libraries that bring no types. */

declare module "jstat" {
  const jStat: {
    readonly chisquare: {
      /** P(X ≤ x) for `degrees` degrees of freedom. */
      cdf(x: number, degrees: number): number;
    };
    readonly normal: {
      /** x with P(X ≤ x) = `p`. */
      inv(p: number, mean: number, deviation: number): number;
    };
    readonly jStat: typeof jStat;
  };
  export default jStat;
}

declare module "d3-scale" {
  /** A continuous scale. */
  export interface ScaleLinear {
    (value: number): number;
    ticks(count?: number): number[];
  }
  export function scaleLinear(domain: readonly number[], range: readonly number[]): ScaleLinear;
}
