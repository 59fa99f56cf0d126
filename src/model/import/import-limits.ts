/** How much of a foreign model is taken. */
export interface ImportLimits {
  /** Bytes of its files. */
  readonly maxFileBytes: number;
  /** Nodes, and tensors. */
  readonly maxNodes: number;
  /** Numbers in all weights that an import makes. */
  readonly maxWeights: number;
}
