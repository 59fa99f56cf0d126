/** The code of a job's tabs, each by itself. */

import type { TabName } from "../address.ts";

/** What loads a tab. */
export const TAB_PARTS = {
  overview: () => import("./report-view.tsx"),
  pictures: () => import("./gallery.tsx"),
  review: () => import("../review/review-tab.tsx"),
  compare: () => import("./compare-tab.tsx"),
  files: () => import("./job-files.tsx"),
} as const satisfies Record<TabName, () => Promise<unknown>>;
