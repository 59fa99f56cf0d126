/** How much two screenshots differ. Chromium decodes them: no image library is needed for it. */

import type { Page } from "playwright-core";

interface Bitmap {
  readonly width: number;
  readonly height: number;
}

declare function createImageBitmap(blob: object): Promise<Bitmap>;
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: "2d"): {
    drawImage(bitmap: Bitmap, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
};

/** Share of the pixels, 0…1, whose channels differ by more than a faint edge would; 1 where the sizes differ. */
export function compareViews(page: Page, before: Buffer, after: Buffer): Promise<number> {
  return page.evaluate(
    async (pictures) => {
      const [one, two] = await Promise.all(
        pictures.map(async (base64) => {
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
          const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
          context.drawImage(bitmap, 0, 0);
          const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
          return { width: bitmap.width, height: bitmap.height, data };
        }),
      );
      if (one === undefined || two === undefined || one.width !== two.width || one.height !== two.height) return 1;
      let differing = 0;
      for (let at = 0; at < one.data.length; at += 4) {
        for (let channel = at; channel < at + 3; channel += 1) {
          if (Math.abs((one.data[channel] ?? 0) - (two.data[channel] ?? 0)) <= 32) continue;
          differing += 1;
          break;
        }
      }
      return differing / (one.data.length / 4);
    },
    [before.toString("base64"), after.toString("base64")],
  );
}
