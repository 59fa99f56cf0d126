/** Limits of large inputs, open jobs and data sets; part of `LIMITS`. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Open jobs (`input.open`), whose inputs come in while they run. */
export const OPEN_LIMITS = {
  /** Lines and bytes of one `POST /v1/jobs/{id}/inputs`: kept in one row of the coordinator until they are planned (2 MB at most on the platform). */
  maxLines: 5000,
  maxBytes: MIB,
  /** Inputs of one open job: each is a row by which a repeated one is known, and all of these rows are removed at once. */
  maxInputs: 2_000_000,
  /** How long a job may stay open, seconds: seven days, as long as any job runs. */
  maxSeconds: 7 * 86_400,
  /** Inputs wait at most so long for others before a page is made of them; with the sweep that finds them they are planned after 20 s. */
  gatherMs: 15_000,
  /** Inputs and bytes of requests that one page after the other is made of before the next are looked at. */
  batchInputs: 5000,
  batchBytes: 4 * MIB,
  /** How often an open job looks for lost work while it has nothing to do. */
  idleSweepMs: 60_000,
} as const;

/** A large input is listed in ranges side by side (`plan/split-input.ts`). */
export const SCAN_LIMITS = {
  /** Ranges of one input, about: their list is read by the first step of each. Below 2, inputs are planned page after page. */
  ranges: 2000,
  /** Listings with which the ranges of a prefix are found, and keys of each. */
  probes: 400,
  probeKeys: 1000,
  /** Objects of a listing: further neighbors join a range of fewer. */
  keysPerRange: 10_000,
  /** Bytes of a list of pictures, and of a list of containers, that one range has at least. */
  listBytes: 512 * KIB,
  containerListBytes: 256,
  /** Steps of one range, and chunks that it leaves: the rest of a longer one is planned page after page, so that what it carries stays small. */
  stepsPerRange: 50,
  chunksPerRange: 2500,
  /** Ranges and chunks that one planning step takes. */
  rangesPerStep: 16,
  chunksPerStep: 2500,
} as const;

/** The parts of a data set (`output.layout`). */
export const DATASET_LIMITS = {
  /** Records of one part: about 128 MB of Parquet, a few minutes of steps one after the other, while the other parts are made beside it. */
  partRows: 2_000_000,
  /** Bytes of text in one member of a part's gzip: held until it is full, and carried between steps. */
  gzipBytes: MIB,
  /** Partitions of one data set (`output.partitionBy`): each has a part of its own in every range, and `_SUCCESS` names all of them. Athena's writer stops there too. */
  maxPartitions: 100,
  /** Bytes of a partition's folder: of a key's 1,024 the output's prefix may have half, and file systems stop at 255 for one name. */
  maxPartitionBytes: 255,
  /** Bytes of records that wait to be sorted by partition: they are held until then, and stored compressed. */
  sortBytes: 8 * MIB,
  /** Bytes of failed inputs that one joining step copies. */
  joinBytes: 256 * MIB,
  /** Listings of parts of chunks, 1,000 each, that one joining step looks through for orphans: two calls each, and their removal. */
  orphanPages: 100,
} as const;
