/** One file of a drop. */

/** A file with its path below what was dropped. */
export interface DroppedFile {
  /** `site-a/1.jpg`; never starts with a slash. */
  readonly path: string;
  readonly file: File;
}
