import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/**
 * Stands before an S3 server and fails as stores do. `pass`: hands everything on. `refuse`: nobody listens. `throttle`: nine of ten
 * requests get 503 SlowDown. `hang`: connections are taken and nothing is said; the server gets the requests when the hanging ends, however
 * long ago their senders gave up. `mute`: the server does what it is asked, and its answer is lost. `cut`: every second body breaks off.
 */
export type Trouble = "pass" | "refuse" | "throttle" | "hang" | "mute" | "cut";

export interface FaultyProxy {
  readonly port: number;
  /** Requests that met a trouble. */
  readonly struck: () => Readonly<Record<Trouble, number>>;
  /** Where the server is now. */
  aim(origin: string): void;
  set(trouble: Trouble): Promise<void>;
  close(): Promise<void>;
}

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';

/** @param origin of the server, `http://127.0.0.1:<port>` */
export async function startFaultyProxy(origin: string): Promise<FaultyProxy> {
  let target = origin;
  let trouble: Trouble = "pass";
  let turn = 0;
  let wake: (() => void)[] = [];
  const struck = { pass: 0, refuse: 0, throttle: 0, hang: 0, mute: 0, cut: 0 };
  const sockets = new Set<Socket>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    turn += 1;
    const met = trouble;
    struck[met] += 1;
    if (met === "throttle" && turn % 10 !== 0) {
      response.writeHead(503, { "content-type": "application/xml" });
      response.end(SLOW_DOWN);
      return;
    }
    if (met === "hang") await new Promise<void>((resolve) => void wake.push(resolve));
    const answer = await forward(target, request, body);
    if (met === "mute" || met === "hang") {
      answer.resume();
      // Whoever asked hears nothing, until its own patience ends.
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    const bytes = await readAll(answer);
    if (met !== "cut" || turn % 2 === 0 || bytes.length < 2) {
      response.end(bytes);
      return;
    }
    response.write(bytes.subarray(0, bytes.length >> 1));
    setTimeout(() => response.destroy(), 20);
  }

  const server: Server = createServer((request, response) => {
    // The server is gone: so is the connection.
    handle(request, response).catch(() => void response.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await listen(server, 0);
  const { port } = addressOf(server);
  const stopListening = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  return {
    port,
    struck: () => ({ ...struck }),
    aim(next) {
      target = next;
    },
    async set(next) {
      if (next === "refuse" && trouble !== "refuse") await stopListening();
      if (next !== "refuse" && trouble === "refuse") await listen(server, port);
      trouble = next;
      if (next === "hang") return;
      for (const go of wake) go();
      wake = [];
    },
    async close() {
      for (const go of wake) go();
      if (trouble !== "refuse") await stopListening();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return address;
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Host and signature stay as they came: the server checks them. */
function forward(origin: string, { method = "GET", url = "/", rawHeaders }: IncomingMessage, body: Buffer) {
  const { hostname, port } = new URL(origin);
  return new Promise<IncomingMessage>((resolve, reject) => {
    const asked = ask({ hostname, port, method, path: url, headers: rawHeaders, agent: false }, resolve);
    asked.once("error", reject);
    asked.end(body);
  });
}
