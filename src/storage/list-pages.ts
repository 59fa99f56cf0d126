/** The pages of a listing, one after the other. */

import type { ListPage, ObjectStore } from "./object-store.ts";

/** Every page under `prefix`; what was listed may be deleted before the next page is requested. */
export async function* listPages(store: ObjectStore, prefix: string): AsyncGenerator<ListPage, undefined> {
  let page: ListPage | null = null;
  do {
    const cursor: string | undefined = page?.cursor;
    page = await store.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    yield page;
  } while (page.cursor !== undefined);
}

/** Deletes the objects of a page. */
export async function deletePage(store: ObjectStore, { objects }: ListPage): Promise<void> {
  if (objects.length > 0) await store.delete(objects.map(({ key }) => key));
}
