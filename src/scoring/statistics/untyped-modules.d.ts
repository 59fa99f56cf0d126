/** The few functions used of libraries that bring no types. */

declare module "jstat" {
  const jStat: {
    readonly chisquare: {
      /** P(X ≤ x) for `degrees` degrees of freedom. */
      cdf(x: number, degrees: number): number;
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
  /** A scale of categories. */
  export interface ScaleBand {
    (value: string): number | undefined;
    bandwidth(): number;
  }
  export function scaleLinear(domain: readonly number[], range: readonly number[]): ScaleLinear;
  export function scaleBand(
    domain: readonly string[],
    range: readonly number[],
  ): ScaleBand & {
    padding(padding: number): ScaleBand;
    paddingInner(padding: number): ScaleBand;
  };
}

declare module "d3-shape" {
  /** Draws the area between two lines; returns an SVG path. */
  export interface Area<T> {
    (data: readonly T[]): string | null;
    x(value: (datum: T, index: number) => number): Area<T>;
    y0(value: number): Area<T>;
    y1(value: (datum: T, index: number) => number): Area<T>;
    curve(factory: unknown): Area<T>;
  }
  export function area<T>(): Area<T>;
  export interface Line<T> {
    (data: readonly T[]): string | null;
    x(value: (datum: T, index: number) => number): Line<T>;
    y(value: (datum: T, index: number) => number): Line<T>;
  }
  export function line<T>(): Line<T>;
  export const curveStepAfter: unknown;
}
