/** What reading one checkpoint may take; files from strangers are read. Part of `limits.ts`, in a file of its own for its length. */

const MIB = 1024 * 1024;

/** The numbers, each with the attack that it stops. */
export const CHECKPOINT_LIMITS = {
  /** The network has 0.3 MB; a whole module with its optimizer has ten times that. */
  maxFileBytes: 256 * MIB,
  /** A zip directory of millions of names. */
  maxEntries: 16_384,
  /** A pickle that keeps the reader busy; torch.save writes about 40 opcodes per tensor. */
  maxOpcodes: 1_000_000,
  /** A pickle that only stacks values or marks. */
  maxStack: 65_536,
  /** Modules that share children: 30 levels have a billion paths. */
  maxNodes: 200_000,
  /** Modules that contain themselves. */
  maxDepth: 32,
  /** Many names that point to one storage. */
  maxTensors: 16_384,
  /** PyTorch itself stops at 64; networks need 5. */
  maxDimensions: 8,
  /** Zip bombs, tensors expanded by a stride of 0, dicts of one byte each: float32 copies of half-precision weights take 2, deflated archives 2 more. */
  allocationMultiple: 16,
  /** What even a tiny file may take: directory, opcodes and names of a small network. */
  allocationFloorBytes: MIB,
} as const;

/** Importing a network from a file of another library; files from strangers are read. */
export const IMPORT_LIMITS = {
  maxFileBytes: 256 * MIB,
  /** ResNet-152 has about 500. */
  maxNodes: 8192,
  /** 96 MiB of float32: more fits no isolate. */
  maxWeights: 24 * MIB,
};
