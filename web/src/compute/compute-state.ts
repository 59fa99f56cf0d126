/** What a computing browser shows, folded from its loop's events. Pure: the clock is a parameter. */

import {
  type EngineChoice,
  type LoopReply,
  listRungs,
  type PlainError,
  type PlainEvent,
  type Rung,
} from "./messages.ts";

/** One rung of the ladder and what came of it. */
export interface RungState {
  readonly engine: Rung;
  readonly status: "untried" | "taken" | "left";
  /** What it runs on, or why it was left. */
  readonly detail: string;
}

/** A chunk in hand, by which it can be given back. */
export interface Hold {
  readonly chunkId: string;
  readonly nonce: string;
}

/** One tab's work on one job. */
export interface ComputeState {
  readonly jobId: string;
  readonly choice: EngineChoice;
  readonly phase: "starting" | "running" | "stopped" | "ended" | "failed";
  readonly rungs: readonly RungState[];
  readonly holds: readonly Hold[];
  readonly chunks: number;
  readonly records: number;
  /** Chunks that went back to the server, and why the last one did. */
  readonly returned: number;
  readonly lastReturn: PlainError | null;
  /** Why nothing happens at the moment: a transient error, or no free chunk. */
  readonly waiting: { readonly error: PlainError | null } | null;
  readonly failure: PlainError | null;
  /** Records of the last chunks and when they were taken, oldest first. */
  readonly recent: readonly { readonly atMs: number; readonly records: number }[];
}

/** The rate covers this many chunks or this much time, whichever is less. */
const RECENT_CHUNKS = 50;
const RECENT_MS = 20_000;

/** A start. @param nowMs of the page's own clock, as in {@link advance} */
export function beginCompute(jobId: string, choice: EngineChoice): ComputeState {
  return {
    jobId,
    choice,
    phase: "starting",
    rungs: listRungs(choice).map((engine) => ({ engine, status: "untried", detail: "" })),
    holds: [],
    chunks: 0,
    records: 0,
    returned: 0,
    lastReturn: null,
    waiting: null,
    failure: null,
    recent: [],
  };
}

/** The state after one message of the loop. */
export function advance(state: ComputeState, message: LoopReply, nowMs: number): ComputeState {
  if (message.kind === "event") return advanceEvent(state, message.event, nowMs);
  if (message.kind === "ended") return { ...state, phase: "ended", holds: [], waiting: null };
  return { ...state, phase: "failed", holds: [], waiting: null, failure: message.error };
}

function advanceEvent(state: ComputeState, event: PlainEvent, nowMs: number): ComputeState {
  switch (event.kind) {
    case "engine":
      return { ...state, ...markRung(state, event.backend, "taken", event.detail), phase: "running", waiting: null };
    case "left":
      return { ...state, ...markRung(state, event.backend, "left", event.error.detail), phase: "starting", recent: [] };
    case "leased": {
      const { chunkId, nonce } = event;
      // The first one starts the clock of the rate.
      const recent = state.recent.length === 0 ? [{ atMs: nowMs, records: 0 }] : state.recent;
      return { ...state, holds: [...state.holds, { chunkId, nonce }], waiting: null, recent };
    }
    case "submitted": {
      const { records } = event;
      const recent = [...state.recent, { atMs: nowMs, records }].slice(-RECENT_CHUNKS);
      const counted = { chunks: state.chunks + 1, records: state.records + records };
      return { ...state, ...counted, holds: without(state.holds, event.chunkId), waiting: null, recent };
    }
    case "released":
      return {
        ...state,
        holds: without(state.holds, event.chunkId),
        returned: state.returned + 1,
        lastReturn: event.error,
      };
    default:
      // Without a free chunk one lane waits while others may still score.
      if (event.error === null && state.holds.length > 0) return state;
      return { ...state, waiting: { error: event.error } };
  }
}

function markRung(
  state: ComputeState,
  backend: string,
  status: RungState["status"],
  detail: string,
): Pick<ComputeState, "rungs"> {
  return { rungs: state.rungs.map((rung) => (rung.engine === backend ? { ...rung, status, detail } : rung)) };
}

function without(holds: readonly Hold[], chunkId: string): readonly Hold[] {
  return holds.filter((hold) => hold.chunkId !== chunkId);
}

/** Records per second over the last chunks; `null` before there are any. */
export function measureRate({ recent }: ComputeState, nowMs: number): number | null {
  const last = recent.filter(({ atMs }, index) => index === recent.length - 1 || nowMs - atMs <= RECENT_MS);
  const [first, ...rest] = last;
  if (first === undefined || rest.length === 0) return null;
  const seconds = (rest.at(-1)!.atMs - first.atMs) / 1000;
  return seconds <= 0 ? null : rest.reduce((sum, { records }) => sum + records, 0) / seconds;
}
