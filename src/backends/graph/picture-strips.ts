/** The strips that a product's output is computed in. */

/** Positions of a tile: assembly/product.ts. */
const TILE = 6;
/** Positions of a strip, at most: what a strip reads and writes stays in the first cache. */
const STRIP_POSITIONS = 72;

/** Rows and columns of a map that are computed together. */
export interface Strip {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Cuts a map of `height` × `width`: of the strips that are small enough the one with the fewest tiles in all, since a strip that tiles do not divide, and
 * a last one that is moved back to end with the row, compute some positions again. Rows come in pairs, which a depthwise convolution computes together.
 */
export function cutStrips(height: number, width: number): Strip {
  let best: Strip = { rows: 1, columns: 1 };
  let least = Infinity;
  for (let rows = Math.min(2, height); rows <= Math.min(height, STRIP_POSITIONS); rows += 2) {
    const columns = Math.ceil(width / Math.ceil((rows * width) / STRIP_POSITIONS));
    // Tall and narrow strips reach over the end of a band.
    if (rows > 2 && columns < width) break;
    const countTiles = (some: number): number => Math.ceil((some * columns) / TILE);
    const strips = Math.floor(height / rows) * countTiles(rows) + countTiles(height % rows);
    const tiles = Math.ceil(width / columns) * strips;
    if (tiles < least) [best, least] = [{ rows, columns }, tiles];
  }
  return best;
}
