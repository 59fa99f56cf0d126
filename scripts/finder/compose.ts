/**
 * Pictures composed from portraits, group photographs and views, with faces where they were put: the detection benchmark. Everything comes
 * out of seeded sequences, so that two runs see the same pixels.
 */

import { readFile } from "node:fs/promises";
import type { Box, Eyes, Point, Raster } from "../../src/model/face-finder.ts";
import { longerSide } from "../../src/model/face-overlap.ts";
import { createRandom, type RandomSource } from "../../src/scoring/statistics/random.ts";
import { blurRaster, cutRaster, mapRaster, pasteRaster, scaleRaster, turnRaster } from "./raster-tools.ts";
import { createSourceReader, listSources } from "./sources.ts";

/** A face with its known place. */
export interface MarkedFace {
  /** Around the points of the face mesh: from the hairline to the chin. */
  readonly box: Box;
  readonly eyes: Eyes;
}

/** A picture and all of its faces. */
export interface Scene {
  readonly name: string;
  readonly raster: Raster;
  readonly faces: readonly MarkedFace[];
}

/** What a group of scenes shows. */
export interface SceneGroup {
  readonly title: string;
  /** At most this many scenes, spread over all. */
  readonly scenes: (limit?: number) => AsyncGenerator<Scene>;
}

/** Portraits that hide their face: in no composition, but among the portraits as they are. */
const HIDDEN: readonly string[] = ["faces/female/31.jpg", "faces/male/18.jpg", "faces/male/24.jpg"];
/** Longer sides of the faces put into views: small pictures, large pictures. */
const SMALL_FACES = [18, 112] as const;
const LARGE_FACES = [22, 330] as const;

/** All groups. Shares of a group are chosen by `limit` of {@link SceneGroup.scenes}. */
export async function openScenes(): Promise<SceneGroup[]> {
  const names = await listSources();
  const read = await createSourceReader();
  const marks: Record<string, MarkedFace[]> = JSON.parse(
    await readFile(new URL("../../test/golden/marked-faces.json", import.meta.url), "utf8"),
  );
  const bare = names.portraits.filter((name) => !HIDDEN.includes(name));
  const open = async (name: string): Promise<Scene> => ({ name, raster: await read(name), faces: marks[name] ?? [] });

  /** One scene per source, made from it alone. */
  function each(
    title: string,
    sources: readonly string[],
    make: (source: Scene, random: RandomSource) => Scene,
  ): SceneGroup {
    return {
      title,
      async *scenes(limit = Infinity) {
        for (const [i, name] of spread(sources, limit)) yield make(await open(name), createRandom(i + 1));
      },
    };
  }

  /** Views with portraits on a grid of cells, one face in each, of sizes even on a logarithmic scale. */
  function put(title: string, views: readonly string[], [least, most]: readonly [number, number]): SceneGroup {
    return {
      title,
      async *scenes(limit = Infinity) {
        for (const [i, name] of spread(views, limit)) {
          const random = createRandom(1000 + i);
          const view = await open(name);
          const raster = { ...view.raster, data: view.raster.data.slice() };
          const faces: MarkedFace[] = [];
          const cell = Math.min(raster.width, Math.round(most * 1.45));
          for (let top = 0; top + cell <= raster.height; top += cell) {
            for (let left = 0; left + cell <= raster.width; left += cell) {
              const portrait = await open(bare[Math.floor(random.next() * bare.length)]!);
              const { box } = portrait.faces[0]!;
              const size = least * (most / least) ** random.next();
              const small = resize(portrait, Math.min(cell, (size / longerSide(box)) * portrait.raster.width));
              const x = left + Math.floor(random.next() * (cell - small.raster.width));
              const y = top + Math.floor(random.next() * (cell - small.raster.height));
              pasteRaster(raster, small.raster, x, y);
              faces.push(...small.faces.map((face) => moveFace(face, 1, -x, -y)));
            }
          }
          yield { name, raster, faces };
        }
      },
    };
  }

  /** All bare portraits side by side, `columns` to a row, at `side` pixels each. */
  function crowd(side: number, columns: number): SceneGroup {
    return {
      title: `crowd of ${bare.length} portraits of ${side} pixels`,
      async *scenes() {
        const rows = Math.ceil(bare.length / columns);
        const [width, height] = [columns * side, rows * side];
        const raster = { width, height, channels: 3 as const, data: new Uint8Array(width * height * 3).fill(128) };
        const faces: MarkedFace[] = [];
        for (const [i, name] of bare.entries()) {
          const small = resize(await open(name), side);
          const [x, y] = [(i % columns) * side, Math.floor(i / columns) * side];
          pasteRaster(raster, small.raster, x, y);
          faces.push(...small.faces.map((face) => moveFace(face, 1, -x, -y)));
        }
        yield { name: "crowd", raster, faces };
      },
    };
  }

  return [
    each("portraits as they are, 128 pixels", names.portraits, (source) => source),
    each("portraits at 350 pixels", bare, at(350)),
    each("portraits at 1200 pixels", bare, at(1200)),
    each("portraits cut to the face and into it, 64 to 400 pixels", bare, cutIntoFace),
    each("portraits turned by up to 30°, 256 pixels", bare, turn),
    each("portraits at a fifth of their light, 256 pixels", bare, (source) => ({
      ...resize(source, 256),
      raster: mapRaster(scaleRaster(source.raster, 256, 256), (value) => value / 5),
    })),
    each("portraits blurred four times, 256 pixels", bare, (source) => ({
      ...resize(source, 256),
      raster: blurRaster(scaleRaster(source.raster, 256, 256), 4),
    })),
    put("portraits in views of 500 pixels", names.smallViews, SMALL_FACES),
    put("portraits in views of 1500 pixels", names.largeViews, LARGE_FACES),
    crowd(40, 12),
    crowd(72, 12),
    crowd(128, 12),
    ...[200, 320, 480, 960, 1920].map((size) => each(`group photographs at ${size} pixels`, names.groups, at(size))),
    each("views of 500 pixels, no face", names.smallViews, (source) => source),
    each("views of 1500 pixels, no face", names.largeViews, (source) => source),
  ];
}

/** Up to `limit` of a list, evenly, each with its place. */
function spread<T>(list: readonly T[], limit: number): (readonly [number, T])[] {
  const step = Math.max(1, list.length / limit);
  return [...list.entries()].filter(([i]) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

const at =
  (size: number) =>
  (source: Scene): Scene =>
    resize(source, size);

function resize(source: Scene, size: number): Scene {
  const { raster, faces, name } = source;
  const factor = Math.round(size) / longerSide({ x: 0, y: 0, ...raster });
  const scaled = scaleRaster(raster, Math.round(raster.width * factor), Math.round(raster.height * factor));
  return { name, raster: scaled, faces: faces.map((face) => moveFace(face, factor, 0, 0)) };
}

/** A square around the face, from one that just holds it down to one whose border cuts 12 % off each side. */
function cutIntoFace({ name, raster, faces }: Scene, random: RandomSource): Scene {
  const { box } = faces[0]!;
  const side = Math.round(longerSide(box) * (1 - 0.24 * random.next()));
  const x = Math.round(box.x + box.width / 2 - side / 2);
  const y = Math.round(box.y + box.height / 2 - side / 2);
  const cut = cutRaster(raster, { x, y, width: side, height: side });
  const size = 64 * (400 / 64) ** random.next();
  return resize({ name, raster: cut, faces: faces.map((face) => moveFace(face, 1, x, y)) }, size);
}

function turn(source: Scene, random: RandomSource): Scene {
  const { name, raster, faces } = resize(source, 256);
  const radians = ((random.next() * 2 - 1) * Math.PI) / 6;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const middle = { x: (raster.width - 1) / 2, y: (raster.height - 1) / 2 };
  const turnPoint = ({ x, y }: Point): Point => ({
    x: middle.x + (x - middle.x) * cos - (y - middle.y) * sin,
    y: middle.y + (x - middle.x) * sin + (y - middle.y) * cos,
  });
  const turned = faces.map(({ box, eyes }): MarkedFace => {
    const { x, y } = turnPoint({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    const { width, height } = box;
    return {
      box: { x: x - width / 2, y: y - height / 2, width, height },
      eyes: [turnPoint(eyes[0]), turnPoint(eyes[1])],
    };
  });
  return { name, raster: turnRaster(raster, radians), faces: turned };
}

/** Points less `(x, y)`, then times `factor`. */
function moveFace({ box, eyes }: MarkedFace, factor: number, x: number, y: number): MarkedFace {
  const move = (point: Point): Point => ({ x: (point.x - x) * factor, y: (point.y - y) * factor });
  return {
    box: { ...move(box), width: box.width * factor, height: box.height * factor },
    eyes: [move(eyes[0]), move(eyes[1])],
  };
}
