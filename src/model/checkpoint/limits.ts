/** Limits on reading one checkpoint. The values live in `src/scoring/limits.ts`, each with the attack it stops. */
export interface CheckpointLimits {
  /** Bytes of the file itself. */
  readonly maxFileBytes: number;
  /** Entries of a zip archive. */
  readonly maxEntries: number;
  /** Opcodes of all pickles in the file together. */
  readonly maxOpcodes: number;
  /** Values on the unpickler's stack at one time. */
  readonly maxStack: number;
  /** Values visited when parameters are looked for in wrappers and modules. */
  readonly maxNodes: number;
  /** Nesting of wrappers and modules. */
  readonly maxDepth: number;
  /** Tensors in the result. */
  readonly maxTensors: number;
  /** Dimensions of one tensor. */
  readonly maxDimensions: number;
  /** Memory that reading may take, as a multiple of the file's size … */
  readonly allocationMultiple: number;
  /** … plus this many bytes, so that a small file can be read at all. */
  readonly allocationFloorBytes: number;
}
