/** Which rows of a long sheet are on the screen: rows are equally high, so that takes no list of them. */

/** Rows before and behind the screen that are there as well, so that they are drawn before they are scrolled to. */
export const OVERSCAN = 3;

/** `first` inclusive, `end` exclusive. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/**
 * The rows to show of `rows`, where the sheet begins `above` pixels over the upper edge of a window that is `height` pixels high.
 * @param rowHeight pixels from one row to the next
 * @param ahead further rows before and behind the screen
 */
export function findRows(rows: number, rowHeight: number, above: number, height: number, ahead: number): RowRange {
  const clamp = (row: number): number => Math.min(rows, Math.max(0, row));
  return {
    first: clamp(Math.floor(above / rowHeight) - ahead),
    end: clamp(Math.ceil((above + height) / rowHeight) + ahead),
  };
}
