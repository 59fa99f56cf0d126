/** Uploads many pictures: a few at a time, each retried for as long as it takes. */

import type { Api } from "../../../src/client/api.ts";
import type { ScoringError } from "../../../src/errors.ts";
import { patiently } from "../patiently.ts";
import type { DroppedFile } from "./dropped-file.ts";
import { nameFile, type UploadJournal } from "./upload-journal.ts";

/** How far an upload is. */
export interface UploadProgress {
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  /** Why nothing happens at the moment: too many requests, or no server. */
  readonly trouble: ScoringError | null;
}

/** A folder of a store. */
export interface UploadTarget {
  readonly store: string;
  readonly prefix: string;
}

/** What arrived where: nothing is sent twice to one place, nor taken for sent to another. */
export interface Uploads {
  /** Pictures that lie at `target`. */
  listArrived(target: UploadTarget): ReadonlySet<DroppedFile>;
  /** Takes them for arrived: an earlier page has sent them. */
  adopt(target: UploadTarget, files: readonly DroppedFile[]): void;
  /** Takes none for arrived any more: some are gone. */
  forget(target: UploadTarget): void;
  /** Sends those of `files` that do not lie there. @throws ScoringError of the first picture that is refused; the others stop */
  send(
    target: UploadTarget,
    files: readonly DroppedFile[],
    signal: AbortSignal,
    progress: (now: UploadProgress) => void,
  ): Promise<void>;
}

const CONCURRENCY = 4;
/** Files between two notes in the journal, which has all names each time. */
const NOTE_EVERY = 50;

/** Uploads of one page. @param journal where it is noted what has arrived */
export function createUploads(api: Pick<Api, "upload">, journal: Pick<UploadJournal, "write">): Uploads {
  const places = new Map<string, Set<DroppedFile>>();

  function open({ store, prefix }: UploadTarget): Set<DroppedFile> {
    const place = JSON.stringify([store, prefix]);
    const arrived = places.get(place) ?? new Set();
    places.set(place, arrived);
    return arrived;
  }

  /** Names all that has arrived for the next page. */
  async function note(target: UploadTarget): Promise<void> {
    journal.write({ ...target, arrived: await Promise.all([...open(target)].map(nameFile)) });
  }

  return {
    listArrived: open,
    adopt(target, files) {
      for (const file of files) open(target).add(file);
    },
    forget(target) {
      open(target).clear();
    },
    async send(target, files, signal, progress) {
      const arrived = open(target);
      const waiting = files.filter((file) => !arrived.has(file));
      const failure = new AbortController();
      const either = AbortSignal.any([signal, failure.signal]);
      let next = 0;
      let now: UploadProgress = { done: 0, total: waiting.length, bytes: 0, trouble: null };
      const tell = (part: Partial<UploadProgress>): void => progress((now = { ...now, ...part }));
      const work = async (): Promise<void> => {
        for (let item = waiting[next++]; item !== undefined; item = waiting[next++]) {
          const { path, file } = item;
          const upload = (): Promise<void> => api.upload(target.store, `${target.prefix}${path}`, file, either);
          await patiently(upload, either, (trouble) => tell({ trouble }));
          arrived.add(item);
          tell({ done: now.done + 1, bytes: now.bytes + file.size });
          if (now.done % NOTE_EVERY === 0) await note(target);
        }
      };
      try {
        await Promise.all(Array.from({ length: CONCURRENCY }, work));
      } catch (error) {
        failure.abort();
        throw error;
      } finally {
        await note(target);
      }
    },
  };
}
