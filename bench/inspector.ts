/** V8's sampling profiler inside workerd, over its inspector. */

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface RawProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Time in one function itself, microseconds. */
export interface FunctionTime {
  readonly name: string;
  /** The source file in the bundle; the address of a wasm module; empty for the runtime's own functions. */
  readonly path: string;
  readonly microseconds: number;
}

/** A profile of the isolate while `work` ran. */
export type ProfileIsolate = (work: () => Promise<void>) => Promise<readonly FunctionTime[]>;

const INTERVAL = 100;

/** Connects to the isolate at `port`; `bundle` is its source, in which esbuild writes a file's path before its lines. */
export async function connectProfiler(port: number, bundle: string): Promise<ProfileIsolate> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? "");
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  socket.addEventListener("message", ({ data }) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
    const { id, result, error } = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("no inspector")), { once: true });
  });
  let last = 0;
  const call = (method: string, params: object = {}): Promise<unknown> => {
    last += 1;
    const id = last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: INTERVAL });
  const pathOf = indexLines(bundle);
  return async (work) => {
    await call("Profiler.start");
    await work();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the inspector's own protocol
    const { profile } = (await call("Profiler.stop")) as { profile: RawProfile };
    return sumFunctions(profile, pathOf);
  };
}

/** Which source file each line of the bundle came from. */
function indexLines(bundle: string): (line: number) => string {
  const starts: { line: number; path: string }[] = [];
  for (const [line, text] of bundle.split("\n").entries()) {
    const path = /^\/\/ (\S+\.[cm]?[jt]s)$/.exec(text)?.[1];
    if (path !== undefined) starts.push({ line, path });
  }
  return (line) => starts.findLast((start) => start.line <= line)?.path ?? "";
}

function sumFunctions(profile: RawProfile, pathOf: (line: number) => string): FunctionTime[] {
  const self = new Map<number, number>();
  profile.samples.forEach((id, i) => {
    // A thread that waits for a core has one long sample: what is above two intervals is not its CPU.
    self.set(id, (self.get(id) ?? 0) + Math.min(profile.timeDeltas[i] ?? 0, 2 * INTERVAL));
  });
  const functions = new Map<string, FunctionTime>();
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const time = self.get(id) ?? 0;
    // Waiting for the store is nobody's CPU.
    if (time === 0 || functionName === "(idle)") continue;
    const path = url === "" || url.startsWith("wasm:") ? url : pathOf(lineNumber);
    const key = `${functionName} ${path}`;
    const before = functions.get(key)?.microseconds ?? 0;
    functions.set(key, { name: functionName || "(anonymous)", path, microseconds: before + time });
  }
  return [...functions.values()].sort((a, b) => b.microseconds - a.microseconds);
}
