/** Reads a lease's inputs from their store itself, with credentials of one's own, instead of through the server. */

import { ScoringError } from "../../errors.ts";
import type { ClientLease } from "../../scoring/client-compute/protocol.ts";
import type { ObjectStore, ReadOptions } from "../../storage/object-store.ts";
import type { ReadAddress } from "./compute-api.ts";

/**
 * A reader of the lease's addresses that asks the store for what each of them stands for: the same bytes, of the version that was
 * listed (`If-Match`), so that whoever names another bucket by mistake gets changed or missing objects and no labels.
 * @param store the bucket of the job's inputs
 */
export function readDirectly({ items, runs, task }: ClientLease, store: Pick<ObjectStore, "read">): ReadAddress {
  const places = new Map<string, { readonly key: string; readonly options: ReadOptions }>();
  const etags = new Map(items.map(({ item }) => [item.key, item.etag]));
  const add = (
    url: string,
    { key, range, versionId }: { key: string; range?: ReadOptions["range"]; versionId?: string },
  ): void => {
    const etag = etags.get(key) ?? null;
    places.set(url, {
      key,
      options: {
        maxBytes: range?.length ?? task.maxImageBytes,
        ...(etag === null ? {} : { ifMatch: etag }),
        ...(range === undefined ? {} : { range }),
        ...(versionId === undefined ? {} : { versionId }),
      },
    });
  };
  for (const { url, ...read } of runs?.reads ?? []) add(url, read);
  for (const { url, item } of items) {
    const { key, range, versionId } = item;
    add(url, { key, ...(range === undefined ? {} : { range }), ...(versionId === undefined ? {} : { versionId }) });
  }
  return async (url) => {
    const place = places.get(url);
    if (place === undefined) throw new ScoringError("internal", "the address does not belong to this lease");
    const { key, options } = place;
    const found = await store.read(key, options);
    if (found.kind === "missing") throw new ScoringError("object_missing", `there is no ${key} in this bucket`);
    if (found.kind === "changed") throw new ScoringError("object_changed", `${key} is not the version that was listed`);
    if (found.kind === "too_large") {
      throw new ScoringError("object_too_large", `${key} has more than ${options.maxBytes} bytes`);
    }
    return { bytes: found.bytes, etag: found.info.etag };
  };
}
