/**
 * The pictures of a Parquet file as inputs, each by its place in a page: pages are read one after the other, with ranged reads, so that no
 * more than one of them is held, and a picture is read later with the others of its page.
 */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { PlanLimits } from "./input-page.ts";
import type { PageBuilder } from "./page-builder.ts";
import { openParquet } from "./parquet-file.ts";
import { createPageReader, type Page } from "./parquet-page-reader.ts";
import { choosePictures, type PictureColumns } from "./parquet-pictures.ts";
import { makeId } from "./parse-entry.ts";
import type { ContainerPosition } from "./plan-cursor.ts";

/**
 * Adds the pictures from `position` to the page: id `<file's id>/<path>`, or the number of the row, from 0, where it has no path; a row
 * without bytes is an input without bytes. Returns where the next page goes on, or null at the end. What cannot be read ends the file with
 * an issue.
 */
export async function readParquetItems(
  store: ObjectStore,
  position: ContainerPosition,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<ContainerPosition | null> {
  const { entry } = position;
  const onRead = (): void => {
    page.readsLeft -= 1;
  };
  let state = position;
  try {
    const file = await openParquet(store, entry, limits, onRead);
    const reader = createPageReader(store, entry, file, limits, onRead);
    const columns = choosePictures(file, entry.key);
    const total = file.starts.at(-1) ?? 0;
    while (state.count < total && page.roomLeft() > 0 && page.readsLeft > 0) {
      state = await addNext(reader, columns, state, page, limits);
    }
    return state.count < total ? state : null;
  } catch (error) {
    if (!(error instanceof ScoringError)) throw error;
    if (error.disposition !== "item" && error.code !== "validation_failed") throw error;
    page.addIssue({ path: entry.key, line: state.count + 1, code: error.code, message: error.detail });
    return null;
  }
}

/** Adds what there is room for of the next page of pictures. */
async function addNext(
  reader: ReturnType<typeof createPageReader>,
  columns: PictureColumns,
  state: ContainerPosition,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<ContainerPosition> {
  const { entry, count: row } = state;
  const { first, last, column } = reader.openColumn(row, columns.bytes);
  const firstRow = state.pageRow ?? first;
  const at = state.offset === 0 ? column.start : state.offset;
  const { end, rows } = await reader.readPage(column, at, limits.maxPicturePageBytes);
  const behind = firstRow + rows.length;
  // Otherwise a row group would be read again and again for rows that none of its pages has.
  if (behind > last || (end >= column.end && behind < last)) {
    throw new ScoringError(
      "input_invalid",
      `${entry.key}: the pages of row ${row + 1} have not as many rows as their group`,
    );
  }
  const to = Math.min(behind, row + page.roomLeft());
  if (to > row) {
    const paths = columns.path === null ? [] : await reader.readTexts(columns.path, row, to);
    const labels = columns.label === null ? [] : await reader.readLabels(columns.label, row, to, page);
    for (let next = row; next < to; next++) {
      const found = rows[next - firstRow] ?? null;
      const name = paths[next - row] ?? "";
      const label = labels[next - row] ?? entry.label;
      page.addItem({
        id: `${entry.id}/${name === "" ? next : makeId(name)}`,
        key: entry.key,
        size: found?.place.length ?? 0,
        etag: entry.etag,
        ...(entry.versionId === undefined ? {} : { versionId: entry.versionId }),
        ...placeRow(next, found),
        ...(label === undefined ? {} : { label }),
        ...(entry.groups === undefined ? {} : { groups: entry.groups }),
      });
    }
  }
  if (to < behind) return { ...state, count: to, offset: at, pageRow: firstRow };
  const { pageRow: _, ...rest } = state;
  // The next row group has a column of its own.
  return end >= column.end ? { ...rest, count: to, offset: 0 } : { ...state, count: to, offset: end, pageRow: behind };
}

function placeRow(row: number, found: Page["rows"][number]) {
  const nothing = { offset: 0, length: 0 };
  if (found === null) return { range: nothing, page: { row, codec: "none" as const, bytes: 0, ...nothing } };
  const { range, codec, bytes } = found.body;
  return { range, page: { row, codec, bytes: bytes.length, ...found.place } };
}
