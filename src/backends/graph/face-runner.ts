/** What a classifier of the family "graph" runs on, in either layout. */

/** What becomes of a byte, one pair a channel: `byte × scale + offset`. */
export interface ByteScale {
  readonly scales: readonly number[];
  readonly offsets: readonly number[];
}

/** A network on bytes of faces. Not safe for overlapping calls. */
export interface FaceRunner {
  /** Faces per call, at most. */
  readonly batchSize: number;
  /**
   * Runs up to `batchSize` faces.
   * @param pixels `count × height × width × channels` bytes, channels together
   * @returns vectors by the name of their output, `[count, length]`
   */
  run(pixels: Uint8Array, count: number): Promise<ReadonlyMap<string, Float32Array>>;
}
