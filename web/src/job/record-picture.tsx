/** The picture of a record, requested once it stays on the screen, and given up when it leaves it. */

import { type ReactNode, type RefObject, useEffect, useState } from "react";
import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { api, noteSignedOut } from "../api.ts";
import { patiently } from "../patiently.ts";
import { Picture } from "./picture.tsx";

/** Records that fly past while the page scrolls cost no request: a key has a limited number per minute. */
const SETTLE_MS = 150;

const EMPTY = { url: null, failed: false } as const;

/** @param props.scrolled of one of many: whether it came by scrolling; then it waits until that is over */
export function RecordPicture(props: {
  readonly id: string;
  readonly placed: PlacedRecord;
  readonly alt: string;
  readonly scrolled?: RefObject<boolean>;
}): ReactNode {
  const { id, placed, alt } = props;
  const { url, failed } = usePicture(id, placed, props.scrolled);
  if (failed) return <div className="picture no-picture">no picture</div>;
  return url === null ? <div className="picture" /> : <Picture src={url} alt={alt} faces={[placed.record]} />;
}

/** The address of the loaded picture; `null` before. */
function usePicture(id: string, placed: PlacedRecord, scrolled: RefObject<boolean> | undefined) {
  const [picture, setPicture] = useState<{ readonly url: string | null; readonly failed: boolean }>(EMPTY);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let made: string | null = null;
    const load = async (): Promise<void> => {
      try {
        // An <img> would say that it failed, not that the server asked for a pause.
        const read = (): Promise<Blob> => api.readPicture(id, placed.record.id, placed, signal);
        const blob = await patiently(read, signal, () => undefined);
        made = URL.createObjectURL(blob);
        setPicture({ url: made, failed: false });
      } catch (thrown) {
        if (signal.aborted) return;
        noteSignedOut(thrown);
        setPicture({ url: null, failed: true });
      }
    };
    const timer = setTimeout(() => void load(), scrolled?.current === true ? SETTLE_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [id, placed, scrolled]);
  return picture;
}
