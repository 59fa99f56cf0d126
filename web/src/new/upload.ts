/** Uploads many pictures: a few at a time, each tried again when the server does not answer. */

import type { Api } from "../../../src/client/api.ts";
import { toScoringError } from "../../../src/errors.ts";
import type { DroppedFile } from "./dropped-files.ts";

/** How far an upload is. */
export interface UploadProgress {
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
}

const CONCURRENCY = 4;
const ATTEMPTS = 4;

/** @throws ScoringError of the first picture that could not be stored; the others stop */
export async function uploadFiles(
  api: Pick<Api, "upload">,
  target: { readonly store: string; readonly prefix: string },
  files: readonly DroppedFile[],
  signal: AbortSignal,
  progress: (now: UploadProgress) => void,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  let next = 0;
  let done = 0;
  let bytes = 0;
  const work = async (): Promise<void> => {
    for (let item = files[next++]; item !== undefined && !either.aborted; item = files[next++]) {
      await uploadOne(api, target.store, `${target.prefix}${item.path}`, item.file, either);
      done += 1;
      bytes += item.file.size;
      progress({ done, total: files.length, bytes });
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    signal.throwIfAborted();
  } catch (error) {
    failure.abort();
    throw error;
  }
}

async function uploadOne(
  api: Pick<Api, "upload">,
  store: string,
  key: string,
  file: File,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await api.upload(store, key, file, signal);
      return;
    } catch (thrown) {
      const error = toScoringError(thrown);
      if (signal.aborted || error.disposition !== "transient" || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}
