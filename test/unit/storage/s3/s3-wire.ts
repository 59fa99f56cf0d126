/**
 * An S3 server of one bucket that keeps every request as it came over the wire and checks its signature itself (AWS Signature Version 4):
 * what a proxy, a router or a URL parser would make of a key is not in the way.
 */

import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { S3StoreConfig } from "../../../../src/storage/s3/s3-store.ts";

/** Its one bucket. */
export const BUCKET = "faces";
const SECRET = "secret";

/** One request. */
export interface WireRequest {
  readonly method: string;
  /** Path of the request line, byte for byte. */
  readonly path: string;
  /** The query's pairs, byte for byte, in their order. */
  readonly query: readonly (readonly [string, string])[];
  readonly body: string;
  /** Whether the signature is that of what came. */
  readonly isSigned: boolean;
}

export interface WireServer {
  readonly config: S3StoreConfig;
  readonly requests: WireRequest[];
  /** Objects by key. */
  readonly objects: Map<string, string>;
  /** How the keys of a listing are written. */
  formatKey: (key: string) => string;
  /** Whether a listing says that its keys are encoded. */
  saysEncoding: boolean;
  close(): void;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

function checkSignature(request: IncomingMessage, path: string, query: WireRequest["query"], body: string): boolean {
  const { headers, method = "" } = request;
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=id\/(\d{8})\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w+)$/;
  const [, date = "", region = "", signed = "", signature] = pattern.exec(headers.authorization ?? "") ?? [];
  const bodySha256 = String(headers["x-amz-content-sha256"]);
  if (bodySha256 !== "UNSIGNED-PAYLOAD" && bodySha256 !== hash(body)) return false;
  const lines = signed.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const pairs = query.map(([name, value]) => `${name}=${value}`).sort();
  const canonical = [method, path, pairs.join("&"), lines.join(""), signed, bodySha256].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, hash(canonical)].join("\n");
  const key = [region, "s3", "aws4_request"].reduce<Buffer>(hmac, hmac(`AWS4${SECRET}`, date));
  return signature === hmac(key, text).toString("hex");
}

async function readRequest(request: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  const [path = "", search = ""] = (request.url ?? "").split(/\?(.*)/s);
  const query = search
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair): [string, string] => {
      const [name = "", value = ""] = pair.split(/=(.*)/s);
      return [name, value];
    });
  const isSigned = checkSignature(request, path, query, body);
  return { method: request.method ?? "", path, query, body, isSigned };
}

/** Starts one on a free loopback port. */
export async function startWireServer(): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const objects = new Map<string, string>();

  function answer(request: WireRequest, response: ServerResponse): void {
    const { method, path, body } = request;
    const asked = new Map(request.query);
    const key = decodeURIComponent(path.slice(`/${BUCKET}/`.length));
    const send = (status: number, text = ""): void => {
      response.writeHead(status, { etag: '"e"', "content-length": Buffer.byteLength(text) });
      response.end(text);
    };
    if (asked.has("list-type")) {
      const prefix = decodeURIComponent(asked.get("prefix") ?? "");
      const rows = [...objects.keys()].filter((each) => each.startsWith(prefix)).sort();
      const contents = rows.map((each) => `<Contents><Key>${server.formatKey(each)}</Key><Size>1</Size></Contents>`);
      const encoding = server.saysEncoding ? "<EncodingType>url</EncodingType>" : "";
      return send(200, `<?xml version="1.0"?><ListBucketResult>${encoding}${contents.join("")}</ListBucketResult>`);
    }
    if (asked.has("delete")) return send(200, "<DeleteResult></DeleteResult>");
    if (asked.has("uploads"))
      return send(200, "<InitiateMultipartUploadResult><UploadId>u+/=1</UploadId></InitiateMultipartUploadResult>");
    if (asked.has("uploadId")) {
      return send(
        method === "DELETE" ? 204 : 200,
        method === "POST" ? "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>" : "",
      );
    }
    if (method === "PUT") objects.set(key, body);
    if (method === "DELETE") {
      objects.delete(key);
      return send(204);
    }
    const found = objects.get(key);
    return found === undefined ? send(404) : send(200, method === "PUT" ? "" : found);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wire = await readRequest(request);
    requests.push(wire);
    answer(wire, response);
  }

  const listener = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const server: WireServer = {
    config: {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      bucket: BUCKET,
      forcePathStyle: true,
      credentials: { accessKeyId: "id", secretAccessKey: SECRET },
    },
    requests,
    objects,
    formatKey: encodeURIComponent,
    saysEncoding: true,
    close() {
      listener.closeAllConnections();
      listener.close();
    },
  };
  return server;
}
