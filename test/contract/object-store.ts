/** What every ObjectStore must do. One suite, run over each adapter, in Node and inside workerd. */

import { beforeEach, describe } from "vitest";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { describeHostileKeys } from "./object-store-keys.ts";
import { describeListing } from "./object-store-listing.ts";
import { describeObjects } from "./object-store-objects.ts";
import type { StoreScene, StoreUnderTest } from "./object-store-steps.ts";
import { describeUploads } from "./object-store-uploads.ts";

export { LINE_BREAK_NAME } from "./object-store-keys.ts";

/**
 * Registers the suite.
 * @example
 * ```ts
 * import { describeObjectStore } from "countenance/testing";
 * import { createMyStore } from "./my-store.ts";
 *
 * describeObjectStore({ name: "mine", open: () => createMyStore("an empty bucket") });
 * ```
 */
export function describeObjectStore(subject: StoreUnderTest): void {
  describe(`object store: ${subject.name}`, () => {
    let store: ObjectStore | undefined;
    let current: StoreScene | undefined;
    let testCount = 0;

    beforeEach(async () => {
      store ??= await subject.open();
      testCount += 1;
      current = { store, prefix: `contract-${testCount}/` };
    });

    const scene = (): StoreScene => current!;
    describeObjects(scene);
    describeListing(subject, scene);
    describeUploads(scene);
    describeHostileKeys(subject, scene);
  });
}
