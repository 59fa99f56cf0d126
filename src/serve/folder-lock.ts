/**
 * One process for one folder or file: a socket beside it that is answered for as long as its process lives, however that ends. For a data
 * folder the locks of databases would not do: those of two kinds of SQLite do not see each other.
 */

import { createHash } from "node:crypto";
import { realpathSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ScoringError } from "../errors.ts";

/** What systems take for the path of a socket. */
const MAX_PATH_BYTES = 100;

/** Whoever finds the same dead process's socket at the same moment has put its own there by then. */
const SETTLE_MS = 100;

/** Held until it is released or the process ends. */
export interface FolderLock {
  release(): Promise<void>;
}

/** The lock of a folder. @throws ScoringError `config_invalid` where another process holds it */
export function lockFolder(folder: string): Promise<FolderLock> {
  return hold(join(realpathSync(folder), "server.lock"), folder);
}

/** The lock of a file, whether it is there or not. @throws ScoringError `config_invalid` where another process holds it */
export function lockFile(path: string): Promise<FolderLock> {
  return hold(join(realpathSync(dirname(path)), `${basename(path)}.lock`), path);
}

async function hold(socket: string, what: string): Promise<FolderLock> {
  const [inside, outside] = listPaths(socket);
  try {
    return await holdPath(inside, what);
  } catch (error) {
    // Some file systems, of networks and of virtual machines, hold no sockets.
    if (error instanceof ScoringError || inside === outside) throw error;
    return holdPath(outside, what);
  }
}

/** Where the socket goes, and where it goes instead. */
function listPaths(socket: string): readonly [inside: string, outside: string] {
  const name = `countenance-${createHash("sha256").update(socket).digest("hex").slice(0, 32)}`;
  const pipe = `\\\\.\\pipe\\${name}`;
  if (process.platform === "win32") return [pipe, pipe];
  const outside = join(tmpdir(), `${name}.lock`);
  return [Buffer.byteLength(socket) > MAX_PATH_BYTES ? outside : socket, outside];
}

async function holdPath(path: string, what: string): Promise<FolderLock> {
  const refuse = (cause?: unknown): never => {
    throw new ScoringError("config_invalid", `${what} is in use by another process`, { cause });
  };
  const first = await listen(path);
  if (first !== null) return wrap(first);
  if (await isAnswered(path)) refuse();
  rmSync(path, { force: true });
  const server = (await listen(path)) ?? refuse();
  const own = readId(path);
  await wait(SETTLE_MS);
  if (readId(path) !== own) {
    // Closing would take the other's socket away.
    server.unref();
    refuse();
  }
  return wrap(server);
}

function wrap(server: Server): FolderLock {
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** `null` where something lies at the path. */
function listen(path: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(null) : reject(error),
    );
    server.listen(path, () => resolve(server));
  });
}

function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path);
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function readId(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
