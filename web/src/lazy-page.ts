/** Parts of the console whose code comes when they are opened. */

import { type ComponentType, lazy } from "react";

/** A component that is loaded when it is first drawn; around it stands a `Suspense`. */
export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>) {
  return lazy(async () => ({ default: await load() }));
}
