/** The rows of a sheet while its page scrolls. */

import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { findRows, OVERSCAN, type RowRange } from "./window-rows.ts";

/** Until rows beyond the screen are drawn as well: the first pictures come first. */
const REST_MS = 100;

/** Rows in view; `scrolled` holds whether the newest of them came by scrolling, and so may be gone in a moment. */
export interface RowsInView extends RowRange {
  readonly scrolled: RefObject<boolean>;
}

/** Those of an element of the page, again whenever a row comes onto the screen or leaves it. */
export function useRowsInView(sheet: RefObject<HTMLElement | null>, rows: number, rowHeight: number): RowsInView {
  const [range, setRange] = useState<RowRange>({ first: 0, end: 0 });
  const scrolled = useRef(false);
  const isWhole = useRef(false);
  useLayoutEffect(() => {
    const look = (event: Event | null, ahead: number): void => {
      scrolled.current = event?.type === "scroll";
      const above = -(sheet.current?.getBoundingClientRect().top ?? 0);
      const now = findRows(rows, rowHeight, above, window.innerHeight, ahead);
      setRange((before) => (before.first === now.first && before.end === now.end ? before : now));
    };
    look(null, isWhole.current ? OVERSCAN : 0);
    const rest = setTimeout(() => {
      isWhole.current = true;
      look(null, OVERSCAN);
    }, REST_MS);
    const controller = new AbortController();
    const { signal } = controller;
    const lookAgain = (event: Event): void => look(event, OVERSCAN);
    window.addEventListener("scroll", lookAgain, { passive: true, signal });
    window.addEventListener("resize", lookAgain, { signal });
    return () => {
      clearTimeout(rest);
      controller.abort();
    };
  }, [sheet, rows, rowHeight]);
  return { ...range, scrolled };
}

/** Scrolls as little as it takes to have a whole row on the screen. @param covered pixels of the window's upper edge under something else */
export function scrollToRow(sheet: HTMLElement, row: number, rowHeight: number, covered: number): void {
  const start = sheet.getBoundingClientRect().top + row * rowHeight;
  const below = start + rowHeight - window.innerHeight;
  if (start < covered) window.scrollBy(0, start - covered);
  else if (below > 0) window.scrollBy(0, below);
}
