/** The newest faces of a running job, one after the other as their pictures come. */

import { useEffect, useRef, useState } from "react";
import { createLiveApi } from "../../../src/client/live-api.ts";
import type { PlacedLine } from "../../../src/scoring/requests/latest-records.ts";
import { api, noteSignedOut } from "../api.ts";

/** A record that is shown. */
export interface LiveFace {
  /** Chunk and place: no other record has both. */
  readonly key: string;
  readonly record: PlacedLine["record"];
  /** Address of the picture; `null` where it cannot be had. */
  readonly url: string | null;
}

/** Faces that are shown; a look asks for no more. */
const SHOWN = 12;
/** Between two looks: a fast job must not use up the requests that its reader may make. */
const LOOK_MS = 2500;
/** The same before the first chunk is done. */
const FIRST_LOOK_MS = 400;
/** Pictures under way at a time. */
const LOADED_AT_ONCE = 3;

const liveApi = createLiveApi(api);

/** The newest first; they stay where a look fails. @param finished inputs so far: when it moves, there are new ones */
export function useFaces(id: string, finished: number): readonly LiveFace[] {
  const [faces, setFaces] = useState<readonly LiveFace[]>([]);
  const count = useRef(finished);
  useEffect(() => {
    count.current = finished;
  }, [finished]);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const known = new Set<string>();
    let waiting: { readonly key: string; readonly chunk: string; readonly line: PlacedLine }[] = [];
    let shown: readonly LiveFace[] = [];
    let seen = 0;
    let loading = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const show = (face: LiveFace): void => {
      for (const { url } of shown.slice(SHOWN - 1)) if (url !== null) URL.revokeObjectURL(url);
      shown = [face, ...shown].slice(0, SHOWN);
      setFaces(shown);
    };
    const load = async (): Promise<void> => {
      const next = waiting.shift();
      if (next === undefined || signal.aborted) return;
      loading += 1;
      const { key, chunk, line } = next;
      // A picture that is refused leaves its label.
      const blob = await liveApi.readPicture(id, chunk, line, signal).catch(() => null);
      loading -= 1;
      if (signal.aborted) return;
      show({ key, record: line.record, url: blob === null ? null : URL.createObjectURL(blob) });
      void load();
    };
    const look = async (): Promise<void> => {
      const now = count.current;
      try {
        if (now !== seen && !document.hidden) {
          const { chunk, records } = await liveApi.readLatest(id, SHOWN, signal);
          seen = now;
          // A job that has just ended has none any more.
          const added = records.map((line) => ({ key: `${chunk} ${line.at}`, chunk: chunk ?? "", line }));
          // The last of a chunk is shown last, so that it stands first. Who waited longest is not news any more.
          waiting = [...waiting, ...added.toReversed().filter(({ key }) => !known.has(key))].slice(-SHOWN);
          for (const { key } of added) known.add(key);
          for (let free = LOADED_AT_ONCE - loading; free > 0; free -= 1) void load();
        }
      } catch (thrown) {
        if (signal.aborted) return;
        noteSignedOut(thrown);
      }
      if (!signal.aborted) timer = setTimeout(() => void look(), now === 0 ? FIRST_LOOK_MS : LOOK_MS);
    };
    void look();
    return () => {
      clearTimeout(timer);
      controller.abort();
      for (const { url } of shown) if (url !== null) URL.revokeObjectURL(url);
    };
  }, [id]);
  return faces;
}
