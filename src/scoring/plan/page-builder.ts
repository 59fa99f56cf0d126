/** Collects one page: numbers the items, bounds the issues, counts the calls to the store. */

import type { Issue } from "../../errors.ts";
import type { InputItem } from "../records/input-item.ts";
import type { PlanLimits } from "./input-page.ts";

/** The page under construction. `readsLeft` and `roomLeft` say when readers must stop. */
export interface PageBuilder {
  readonly items: InputItem[];
  readonly issues: Issue[];
  droppedIssues: number;
  /** Index of the next item. */
  nextIndex: number;
  readsLeft: number;
  roomLeft(): number;
  addItem(item: Omit<InputItem, "index">): void;
  addIssue(issue: Issue): void;
}

/** An empty page whose first item gets `nextIndex`. */
export function createPageBuilder(nextIndex: number, limits: PlanLimits): PageBuilder {
  return {
    items: [],
    issues: [],
    droppedIssues: 0,
    nextIndex,
    readsLeft: limits.maxReads,
    roomLeft() {
      return limits.maxItems - this.items.length;
    },
    addItem(item) {
      this.items.push({ index: this.nextIndex, ...item });
      this.nextIndex += 1;
    },
    addIssue(issue) {
      if (this.issues.length < limits.maxIssues) this.issues.push(issue);
      else this.droppedIssues += 1;
    },
  };
}
