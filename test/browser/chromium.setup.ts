import { unpackChromium } from "./chromium.ts";

/** Before any suite: they run two at a time, and the second one would start a Chromium that the first still writes. */
export default async function setup(): Promise<void> {
  await unpackChromium();
}
