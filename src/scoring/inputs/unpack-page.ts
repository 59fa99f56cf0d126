/** An input out of the page of a Parquet file that holds it. */

import { snappyUncompress } from "hyparquet/src/snappy.js";
import { LIMITS } from "../limits.ts";
import type { InputItem, PagePlace } from "../records/input-item.ts";

/** An input that lies in a page. */
export type PagedItem = InputItem & { readonly page: PagePlace; readonly range: NonNullable<InputItem["range"]> };

/** Whether an input does, in a page that may be held. */
export function isPaged(item: InputItem): item is PagedItem {
  const { page, range } = item;
  if (page === undefined || range === undefined) return false;
  return Math.max(page.bytes, range.length) <= LIMITS.plan.maxPicturePageBytes;
}

/** The page, inflated; `null` if it is not what the place says: somebody has changed what was frozen. */
export function inflatePage({ codec, bytes }: PagePlace, packed: Uint8Array): Uint8Array | null {
  if (codec === "none") return packed.length === bytes ? packed : null;
  const page = new Uint8Array(bytes);
  try {
    snappyUncompress(packed, page);
    return page;
  } catch {
    return null;
  }
}

/** The input's own bytes, a copy; `null` if the page does not reach so far. */
export function cutFromPage(
  { offset, length }: Pick<PagePlace, "offset" | "length">,
  page: Uint8Array | null,
): Uint8Array | null {
  return page === null || offset + length > page.length ? null : page.slice(offset, offset + length);
}
