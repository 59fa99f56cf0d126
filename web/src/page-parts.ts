/** The code of the console's pages, each by itself: whoever follows a link to one waits for no other. */

import { readTab, type Route } from "./address.ts";
import { TAB_PARTS } from "./job/tab-parts.ts";

/** Pages but the list of jobs. */
export const PAGE_PARTS = {
  new: () => import("./new/new-job-page.tsx"),
  job: () => import("./job/job-page.tsx"),
  design: () => import("./design-page.tsx"),
  models: () => import("./models/models-page.tsx"),
  review: () => import("./review/reader-page.tsx"),
  schedules: () => import("./schedules/schedules-page.tsx"),
  schedule: () => import("./schedules/schedule-page.tsx"),
  scheduleForm: () => import("./schedules/schedule-form.tsx"),
  try: () => import("./try/try-page.tsx"),
} as const;

/** Loads the code of the page at an address, before it is drawn. */
export function loadPage(route: Route): void {
  // Whoever opens the page is told.
  for (const load of listParts(route)) load().catch(() => undefined);
}

function listParts({ path: [page = "jobs", id], query }: Route): readonly (() => Promise<unknown>)[] {
  if (page === "jobs") return id === undefined ? [] : [PAGE_PARTS.job, TAB_PARTS[readTab(query)]];
  if (page === "schedules" && id !== undefined) return [id === "new" ? PAGE_PARTS.scheduleForm : PAGE_PARTS.schedule];
  return isPage(page) ? [PAGE_PARTS[page]] : [];
}

const isPage = (name: string): name is keyof typeof PAGE_PARTS => Object.hasOwn(PAGE_PARTS, name);
