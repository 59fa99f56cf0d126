/**
 * Text as gzip (RFC 1952), over as many invocations as it takes: a member for each so many bytes of text, one behind the other, which
 * every reader of gzip files takes for one file. Only what the current member still lacks is held and carried.
 */

import { concatUint8Arrays } from "uint8array-extras";

/** A gzip file under way. Its bytes depend on the text alone, not on how it was cut into calls or invocations. */
export interface GzipMembers {
  /** Bytes that this text completes. */
  append(text: Uint8Array): Promise<Uint8Array>;
  /** The last bytes; an empty text has one empty member, so that the file is one. */
  finish(): Promise<Uint8Array>;
  /** What a new one needs to go on. */
  save(): Uint8Array;
}

/** How to cut the members. */
export interface GzipOptions {
  /** Of text in each member but the last. */
  readonly memberBytes: number;
  /** What the text begins with. */
  readonly head?: Uint8Array;
}

/** @param state of {@link GzipMembers.save} */
export function createGzipMembers(
  { memberBytes, head = new Uint8Array() }: GzipOptions,
  state?: Uint8Array,
): GzipMembers {
  // The first byte tells whether a member was given out.
  let begun = state?.[0] === 1;
  let held: Uint8Array[] = [state?.slice(1) ?? head];
  let length = held[0]!.length;
  /** The members that are full. */
  async function cut(): Promise<Uint8Array> {
    if (length < memberBytes) return new Uint8Array();
    const all = concatUint8Arrays(held);
    const members: Uint8Array[] = [];
    let at = 0;
    for (; length - at >= memberBytes; at += memberBytes) {
      members.push(await gzip(all.subarray(at, at + memberBytes)));
    }
    held = [all.slice(at)];
    length -= at;
    begun = true;
    return concatUint8Arrays(members);
  }
  return {
    append(text) {
      held.push(text);
      length += text.length;
      return cut();
    },
    async finish() {
      const full = await cut();
      return length === 0 && begun ? full : concatUint8Arrays([full, await gzip(concatUint8Arrays(held))]);
    },
    save: () => concatUint8Arrays([Uint8Array.of(begun ? 1 : 0), ...held]),
  };
}

/** One member, by the platform: in JavaScript it takes three to five times as long. */
export async function gzip(text: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(text)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** What one member holds. For what the caller wrote itself: its size is not looked at. @throws TypeError if it is none */
export async function gunzip(member: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(member)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
