/** Reads and writes the boxes of HEIF files (ISO/IEC 14496-12 and 23008-12), as far as the golden pictures need it. */

/** A coded picture and what decodes it. */
export interface CodedPicture {
  readonly width: number;
  readonly height: number;
  /** The whole `hvcC` box. */
  readonly configuration: Buffer;
  readonly data: Buffer;
}

/** How a grid is put together, and what is done to it. */
export interface GridOptions {
  readonly columns: number;
  /** Of the picture; what the tiles have beyond it at the right and below is cut off. */
  readonly width: number;
  readonly height: number;
  /** Quarter turns counterclockwise, then a mirror: 0 upside down, 1 left to right; as properties of the grid. */
  readonly quarterTurns?: number;
  readonly mirror?: number;
  /** Orientation in an EXIF block of the picture. */
  readonly exifOrientation?: number;
}

/** The primary picture of a file by `heif-enc`: one item in one extent. */
export function readCodedPicture(file: Buffer): CodedPicture {
  const configuration = findBox(file, "hvcC");
  const size = findBox(file, "ispe");
  const places = findBox(file, "iloc");
  // Version 0; offset, length and base of 4 bytes each: the item's own fields begin at 16.
  if (places.readUInt32BE(8) !== 0 || places.readUInt16BE(12) !== 0x4440) throw new Error("another heif-enc wrote this");
  const start = places.readUInt32BE(20) + places.readUInt32BE(26);
  return {
    width: size.readUInt32BE(12),
    height: size.readUInt32BE(16),
    configuration,
    data: file.subarray(start, start + places.readUInt32BE(30)),
  };
}

/** A file whose primary picture is a grid of equal tiles, row by row, as telephones write it. */
export function writeGrid(tiles: readonly CodedPicture[], options: GridOptions): Buffer {
  const { columns, width, height, quarterTurns, mirror, exifOrientation } = options;
  const first = tiles[0]!;
  const grid = Buffer.from([0, 0, tiles.length / columns - 1, columns - 1, ...uint16(width), ...uint16(height)]);
  const gridId = tiles.length + 1;
  const contents = [...tiles.map(({ data }) => data), grid];
  if (exifOrientation !== undefined) contents.push(writeExif(exifOrientation));
  const properties = [first.configuration, writeSize(first.width, first.height), writeSize(width, height)];
  const ofGrid = [3];
  if (quarterTurns !== undefined) ofGrid.push(0x80 | properties.push(box("irot", [quarterTurns])));
  if (mirror !== undefined) ofGrid.push(0x80 | properties.push(box("imir", [mirror])));
  const associations = contents.slice(0, gridId).flatMap((_, at) => {
    const ofItem = at + 1 === gridId ? ofGrid : [0x81, 2];
    return [...uint16(at + 1), ofItem.length, ...ofItem];
  });
  const head = (dataAt: number): Buffer => {
    let end = dataAt;
    const places = contents.flatMap(({ length }, at) => {
      end += length;
      return [...uint16(at + 1), 0, 0, 0, 1, ...uint32(end - length), ...uint32(length)];
    });
    const items = contents.map((_, at) => {
      const type = at + 1 < gridId ? "hvc1" : at + 1 === gridId ? "grid" : "Exif";
      return box("infe", [2, 0, 0, type === "grid" ? 0 : 1, ...uint16(at + 1), 0, 0, ...ascii(type), 0]);
    });
    const reference = box("dimg", [
      ...uint16(gridId),
      ...uint16(tiles.length),
      ...tiles.flatMap((_, at) => uint16(at + 1)),
    ]);
    const aboutGrid = contents.length > gridId ? box("cdsc", [...uint16(gridId + 1), 0, 1, ...uint16(gridId)]) : [];
    return Buffer.concat([
      box("ftyp", [...ascii("heic"), 0, 0, 0, 0, ...ascii("mif1"), ...ascii("heic")]),
      box("meta", [
        0,
        0,
        0,
        0,
        ...box("hdlr", [0, 0, 0, 0, 0, 0, 0, 0, ...ascii("pict"), ...new Uint8Array(12), 0]),
        ...box("pitm", [0, 0, 0, 0, ...uint16(gridId)]),
        ...box("iloc", [0, 0, 0, 0, 0x44, 0, ...uint16(contents.length), ...places.flatMap((byte) => byte)]),
        ...box("iinf", [0, 0, 0, 0, ...uint16(items.length), ...Buffer.concat(items)]),
        ...box("iref", [0, 0, 0, 0, ...reference, ...aboutGrid]),
        ...box("iprp", [
          ...box("ipco", Buffer.concat(properties)),
          ...box("ipma", [0, 0, 0, 0, ...uint32(gridId), ...associations]),
        ]),
      ]),
    ]);
  };
  // The head is as long whatever the places in it say.
  const dataAt = head(0).length + 8;
  return Buffer.concat([head(dataAt), box("mdat", Buffer.concat(contents))]);
}

/** The first box of a type, wherever it is nested. */
export function findBox(file: Buffer, type: string): Buffer {
  const at = file.indexOf(type, 0, "latin1") - 4;
  if (at < 0) throw new Error(`there is no ${type} box`);
  return file.subarray(at, at + file.readUInt32BE(at));
}

/** One tag, after the place of the TIFF header. */
function writeExif(orientation: number): Buffer {
  return Buffer.from([...uint32(0), ...ascii("MM\0*"), ...uint32(8), 0, 1, 1, 0x12, 0, 3, ...uint32(1), 0, orientation, ...new Uint8Array(6)]);
}

function writeSize(width: number, height: number): Buffer {
  return box("ispe", [0, 0, 0, 0, ...uint32(width), ...uint32(height)]);
}

function box(type: string, content: readonly number[] | Uint8Array): Buffer {
  return Buffer.from([...uint32(content.length + 8), ...ascii(type), ...content]);
}

function ascii(text: string): readonly number[] {
  return [...Buffer.from(text, "latin1")];
}

function uint16(value: number): readonly number[] {
  return [value >> 8, value & 255];
}

function uint32(value: number): readonly number[] {
  return [...uint16(value >>> 16), ...uint16(value & 0xffff)];
}
