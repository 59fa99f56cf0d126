/** Where a report's figures lead: nowhere in a file, to the pictures behind them in the console. */

/** Addresses; `null` leaves plain text. */
export interface ReportLinks {
  /** Faces that were given this label. */
  label(label: string): string | null;
  /** Faces of this group. */
  group(key: string, value: string): string | null;
  /** Inputs with this error code. */
  outcome(outcome: string): string | null;
  /** Another job. */
  job(id: string): string | null;
  /** Faces in order of their margin. */
  unsure(): string | null;
}

/** The links of a page that stands alone. */
export const NO_LINKS: ReportLinks = {
  label: () => null,
  group: () => null,
  outcome: () => null,
  job: () => null,
  unsure: () => null,
};
