/** What the objects of an input may hold. */

/**
 * What one object holds: a picture, a WebDataset shard of pictures, FER2013 rows of 48×48 gray pixels, or a Parquet file with a column of
 * pictures.
 */
export const INPUT_FORMATS = ["image", "tar", "fer2013-csv", "parquet"] as const;
/** One of {@link INPUT_FORMATS}. */
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** How names of containers end, in lower case. */
export const CONTAINER_ENDINGS: Readonly<Record<Exclude<InputFormat, "image">, string>> = {
  tar: ".tar",
  "fer2013-csv": ".csv",
  parquet: ".parquet",
};
