import { describe, expect, it } from "vitest";
import { cutStrips } from "../../../src/backends/graph/picture-strips.ts";

describe("the strips of a product", () => {
  it("are small, lie in the map, and are as wide as it where they have more than two rows", () => {
    for (let height = 1; height <= 40; height++) {
      for (let width = 1; width <= 300; width++) {
        const { rows, columns } = cutStrips(height, width);
        const fits = rows >= 1 && columns >= 1 && rows <= height && columns <= width;
        const isWhole = rows <= 2 || columns === width;
        expect({ height, width, fits, isWhole, isSmall: rows * columns <= 72 }).toEqual({
          height,
          width,
          fits: true,
          isWhole: true,
          isSmall: true,
        });
      }
    }
  });

  it("are those of the fewest tiles of six positions", () => {
    expect(cutStrips(144, 144)).toEqual({ rows: 2, columns: 36 });
    expect(cutStrips(64, 64)).toEqual({ rows: 2, columns: 32 });
    // Two rows of eight take three tiles, six take eight.
    expect(cutStrips(48, 8)).toEqual({ rows: 6, columns: 8 });
    expect(cutStrips(1, 1)).toEqual({ rows: 1, columns: 1 });
  });
});
