/** An input that could not be read, with the code of the error table. */
export interface FailedInput {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** Labeled faces as the engines take them. */
export interface Dataset {
  /** For instance "FER2013 PublicTest". */
  readonly name: string;
  readonly count: number;
  /** `count × 2304` bytes: 48×48 gray, row-major. */
  readonly pixels: Uint8Array;
  /** `count` label indices. */
  readonly truth: Uint8Array;
  readonly failed: readonly FailedInput[];
}

/** What to read of a data set. */
export interface DatasetOptions {
  /** FER2013's usage: Training, PublicTest, PrivateTest or all. */
  readonly usage: string;
  /** At most this many faces. */
  readonly limit: number;
}
