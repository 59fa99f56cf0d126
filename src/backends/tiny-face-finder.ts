/** The FaceFinder port over the tiny face detector and a tfjs backend that is already registered. */

import { ScoringError } from "../errors.ts";
import { fitRaster, padRgb } from "../image/letterbox.ts";
import { decodeGrid, suppressOverlaps } from "../model/face-grid.ts";
import type { FaceFinder, FoundFace, Raster } from "../model/face-finder.ts";
import { FINEST_FACE_SIZE, nameFaceFinder, planFaceLevels } from "../model/face-levels.ts";
import type { TinyFaceModel } from "../model/tiny-face-model.ts";
import { buildTinyFaceNetwork, CELL_PIXELS } from "../model/tiny-face-network.ts";
import { selectBackend } from "./tfjs-classifier.ts";

/** Confidence from which a find counts, if nothing else is said. Measured in docs/faces.md. */
export const DEFAULT_MIN_FACE_SCORE = 0.4;
/** Intersection over union above which two finds are one face (face-api's constant). */
const MAX_OVERLAP = 0.4;
/** Share of the smaller box inside the larger above which two finds are one face: two levels see it in two sizes. */
const MAX_NESTING = 0.7;

/** Options of the finder; the defaults are measured (docs/faces.md). */
export interface FaceFinderOptions {
  /** Longer side of the finest search, 128…1024; default 1024, used only where the picture has the pixels. */
  readonly maxInputSize?: number;
}

/**
 * Uploads the detector's weights to `backend`.
 * @throws ScoringError `engine_unavailable`, `model_invalid`
 */
export async function createTinyFaceFinder(
  model: TinyFaceModel,
  backend: string,
  options: FaceFinderOptions = {},
): Promise<FaceFinder> {
  const { maxInputSize = FINEST_FACE_SIZE } = options;
  await selectBackend(backend);
  const network = buildTinyFaceNetwork(model.tensors);
  let disposed = false;

  /** Boxes in pixels of `image`, unsuppressed. */
  async function search(fitted: Raster, image: Raster, minScore: number): Promise<FoundFace[]> {
    const width = roundUp(fitted.width, CELL_PIXELS);
    const height = roundUp(fitted.height, CELL_PIXELS);
    const rgb = padRgb(fitted, width, height);
    await selectBackend(backend);
    const grid = await network.run(rgb, width, height).catch((cause: unknown) => {
      throw new ScoringError("engine_unavailable", "the face detector failed", { cause });
    });
    const scaleX = image.width / fitted.width;
    const scaleY = image.height / fitted.height;
    return decodeGrid(grid, width / CELL_PIXELS, height / CELL_PIXELS, minScore).map(({ box, score }) => ({
      box: { x: box.x * scaleX, y: box.y * scaleY, width: box.width * scaleX, height: box.height * scaleY },
      score,
    }));
  }

  return {
    name: nameFaceFinder(model.id),
    async find(image, { minScore = DEFAULT_MIN_FACE_SCORE } = {}) {
      if (disposed) throw new ScoringError("engine_unavailable", "the face detector was disposed");
      const longSide = Math.max(image.width, image.height);
      const faces: FoundFace[] = [];
      // Each level is made from the one before: the picture itself is read once.
      let source = image;
      for (const { size, minShare, maxShare } of planFaceLevels(longSide, maxInputSize)) {
        source = fitRaster(source, size);
        const found = await search(source, image, minScore);
        faces.push(
          ...found.filter(({ box }) => {
            const share = Math.max(box.width, box.height) / longSide;
            return share >= minShare && share <= maxShare;
          }),
        );
      }
      return suppressOverlaps(faces, MAX_OVERLAP, MAX_NESTING);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
