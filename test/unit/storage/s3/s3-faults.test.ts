import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../../src/errors.ts";
import { probeConditionalPut } from "../../../../src/storage/conditional-put.ts";
import type { StorePace } from "../../../../src/storage/deadline.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { readBody } from "../../../../src/storage/read-body.ts";
import { createRetryBudget, withRetry } from "../../../../src/storage/retry.ts";
import { createS3Store } from "../../../../src/storage/s3/s3-store.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers in turn; the last one stays. */
let answers: Answer[] = [];
let requests: { method: string; url: string; headers: IncomingMessage["headers"] }[] = [];
let server: Server;
let store: ObjectStore;

function makeStore(pace?: StorePace): ObjectStore {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return createS3Store({
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    bucket: "faces",
    forcePathStyle: true,
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    ...(pace === undefined ? {} : { pace }),
  });
}

function makeRetrying(): ObjectStore {
  return withRetry(store, {
    maxAttempts: 4,
    baseDelayMs: 1,
    maxDelayMs: 1,
    budget: createRetryBudget(100, 1),
    random: () => 0,
    sleep: () => Promise.resolve(),
  });
}

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    request.resume();
    request.once("end", () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined) response.destroy();
      else answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  store = makeStore();
});

beforeEach(() => {
  answers = [];
  requests = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function fail(status: number, code: string): Answer {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>m</Message></Error>`);
  };
}

function send(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

const hangUp: Answer = (request) => request.socket.destroy();

function listing(keys: readonly string[], token?: string): Answer {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`).join("");
  const next = token === undefined ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`;
  const truncated = `<IsTruncated>${token !== undefined}</IsTruncated>`;
  return send(200, `<?xml version="1.0"?><ListBucketResult>${truncated}${next}${contents}</ListBucketResult>`);
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no error",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );
}

describe("error answers", () => {
  const cases: readonly (readonly [number, string, ErrorCode])[] = [
    [503, "SlowDown", "store_throttled"],
    [503, "ServiceUnavailable", "store_throttled"],
    [429, "TooManyRequests", "store_throttled"],
    [400, "RequestTimeout", "store_timeout"],
    [500, "InternalError", "store_unavailable"],
    [502, "BadGateway", "store_unavailable"],
    [409, "ConditionalRequestConflict", "store_unavailable"],
    [403, "AccessDenied", "forbidden"],
    [403, "SignatureDoesNotMatch", "config_invalid"],
    [404, "NoSuchBucket", "config_invalid"],
    [416, "InvalidRange", "input_invalid"],
    [400, "InvalidArgument", "validation_failed"],
    [301, "PermanentRedirect", "config_invalid"],
  ];
  it.each(cases)("%i %s is %s", async (status, name, code) => {
    answers = [fail(status, name)];
    expect(await codeOf(store.get("a"))).toBe(code);
    expect(await codeOf(store.put("a", "x"))).toBe(code);
    expect(await codeOf(store.list({ prefix: "" }))).toBe(code);
    // One attempt each: retries are ours, not the SDK's.
    expect(requests).toHaveLength(3);
  });

  it("reads the status where there is no body, or a proxy's page instead of XML", async () => {
    answers = [send(503, "")];
    expect(await codeOf(store.head("a"))).toBe("store_throttled");
    answers = [send(502, "<html>Bad gateway", { "content-type": "text/html" })];
    expect(await codeOf(store.list({ prefix: "" }))).toBe("store_unavailable");
    answers = [send(200, "<html>Welcome to the hotel", { "content-type": "text/html" })];
    expect(await codeOf(store.list({ prefix: "" }))).toBe("store_unavailable");
  });

  it("makes missing, changed and conflict values", async () => {
    answers = [fail(404, "NoSuchKey")];
    expect(await store.get("a")).toEqual({ kind: "missing" });
    expect(await store.put("a", "x", { ifMatch: "e" })).toEqual({ kind: "conflict" });
    answers = [fail(412, "PreconditionFailed")];
    expect(await store.get("a", { ifMatch: "e" })).toEqual({ kind: "changed" });
    expect(await store.put("a", "x", { ifNoneMatch: "*" })).toEqual({ kind: "conflict" });
    answers = [send(404, "")];
    expect(await store.head("a")).toBeNull();
  });

  it("names no credential in its errors", async () => {
    answers = [fail(403, "SignatureDoesNotMatch")];
    const error = await store.get("a").catch((caught: unknown) => caught);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret");
  });

  it("reports keys that a batch delete could not delete", async () => {
    answers = [
      send(200, "<DeleteResult><Error><Key>b</Key><Code>SlowDown</Code><Message>m</Message></Error></DeleteResult>"),
    ];
    expect(await codeOf(store.delete(["a", "b"]))).toBe("store_throttled");
    answers = [send(200, "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>")];
    expect(["forbidden", "store_unavailable"]).toContain(await codeOf(store.delete(["a", "b"])));
  });

  it("finds the error that a completed upload hides in a 200", async () => {
    answers = [
      send(
        200,
        '<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
      ),
      send(200, "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"),
    ];
    const upload = await store.createMultipart("a");
    expect(await codeOf(upload.complete([{ partNumber: 1, etag: "e" }]))).toBe("store_unavailable");
  });
});

describe("connections", () => {
  it("calls a closed connection unavailable and a missed deadline a timeout", async () => {
    answers = [hangUp];
    expect(await codeOf(store.get("a"))).toBe("store_unavailable");
    // Never answers.
    answers = [() => undefined];
    const hurried = makeStore({ answerMs: 20, bytesPerSecond: 1e6 });
    const upload = hurried.resumeMultipart("a", "u");
    const calls: Record<string, () => Promise<unknown>> = {
      head: () => hurried.head("a"),
      get: () => hurried.get("a"),
      read: () => hurried.read("a", { maxBytes: 10 }),
      put: () => hurried.put("a", "x"),
      list: () => hurried.list({ prefix: "" }),
      delete: () => hurried.delete(["a"]),
      "delete many": () => hurried.delete(["a", "b"]),
      createMultipart: () => hurried.createMultipart("a"),
      uploadPart: () => upload.uploadPart(1, new Uint8Array(10)),
      complete: () => upload.complete([{ partNumber: 1, etag: "e" }]),
      abort: () => upload.abort(),
    };
    for (const [name, call] of Object.entries(calls))
      expect(await codeOf(call()), `call of ${name}`).toBe("store_timeout");
  });

  it("gives a body up that hangs after its first bytes, and waits for one that is long", async () => {
    answers = [
      (_request, response) => {
        response.writeHead(200, { "content-length": "10", etag: '"e"' });
        response.write("12345");
      },
    ];
    expect(await codeOf(makeStore({ answerMs: 50, bytesPerSecond: 1e6 }).read("a", { maxBytes: 10 }))).toBe(
      "store_timeout",
    );
    // Slower than an answer may be, and within what so many bytes may take.
    answers = [
      (_request, response) => {
        response.writeHead(200, { "content-length": "10", etag: '"e"' });
        response.write("12345");
        setTimeout(() => response.end("67890"), 150);
      },
    ];
    const patient = makeStore({ answerMs: 50, bytesPerSecond: 10 });
    expect(await patient.read("a", { maxBytes: 10 })).toMatchObject({ kind: "found", info: { size: 10 } });
  });

  it("notices a body that ends early", async () => {
    answers = [
      (request, response) => {
        response.writeHead(200, { "content-length": "10", etag: '"e"' });
        response.write("12345", () => request.socket.destroy());
      },
    ];
    const result = await store.get("a");
    if (result.kind !== "found") throw new Error(result.kind);
    expect(await codeOf(readBody(result.body, 100, result.info.size))).toBe("store_short_read");
  });

  it("continues a body that ended early, by range and with If-Match", async () => {
    answers = [
      (request, response) => {
        response.writeHead(200, { "content-length": "10", etag: '"e"' });
        response.write("12345", () => request.socket.destroy());
      },
      fail(503, "SlowDown"),
      send(206, "67890", { etag: '"e"', "content-range": "bytes 5-9/10" }),
    ];
    const result = await makeRetrying().get("a");
    if (result.kind !== "found") throw new Error(result.kind);
    expect(new TextDecoder().decode(await readBody(result.body, 100, result.info.size))).toBe("1234567890");
    expect(requests.map((request) => request.headers.range)).toEqual([undefined, "bytes=5-9", "bytes=5-9"]);
    expect(requests[2]?.headers["if-match"]).toBe('"e"');
  });

  it("does not take a whole object for the range that was asked for", async () => {
    answers = [send(200, "1234567890", { etag: '"e"' })];
    expect(await codeOf(store.get("a", { range: { offset: 5, length: 2 } }))).toBe("store_unavailable");
  });
});

describe("listings", () => {
  it("repeats only the page that failed", async () => {
    answers = [listing(["a", "b"], "t1"), fail(503, "SlowDown"), hangUp, listing(["c"], "t2"), listing(["d"])];
    const retrying = makeRetrying();
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await retrying.list({ prefix: "", limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      keys.push(...page.objects.map((object) => object.key));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(keys).toEqual(["a", "b", "c", "d"]);
    const tokens = requests.map((request) => new URL(request.url, "http://x").searchParams.get("continuation-token"));
    expect(tokens).toEqual([null, "t1", "t1", "t1", "t2"]);
  });

  it("does not take a truncated page without a token for the last", async () => {
    answers = [send(200, "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")];
    expect(await codeOf(store.list({ prefix: "" }))).toBe("store_unavailable");
  });

  it("gives a stale token's refusal to the caller instead of repeating it", async () => {
    answers = [fail(400, "InvalidArgument")];
    expect(await codeOf(makeRetrying().list({ prefix: "", cursor: "stale" }))).toBe("validation_failed");
    expect(requests).toHaveLength(1);
  });

  it("decodes keys only where the store says that they are encoded", async () => {
    const encoded =
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%2Bb+c</Key></Contents></ListBucketResult>";
    answers = [send(200, encoded)];
    expect((await store.list({ prefix: "" })).objects[0]?.key).toBe("a+b c");
    // Asked for always: XML cannot carry every key.
    expect(new URL(requests[0]?.url ?? "", "http://x").searchParams.get("encoding-type")).toBe("url");
    answers = [listing(["a%2Bb+c"])];
    expect((await store.list({ prefix: "" })).objects[0]?.key).toBe("a%2Bb+c");
  });
});

describe("stores without conditional puts", () => {
  it("are found by the probe, whether they ignore the header or refuse it", async () => {
    answers = [send(200, "", { etag: '"e"' })];
    expect(await codeOf(probeConditionalPut(store, "probe"))).toBe("store_unconditional");
    expect(requests.at(-1)?.method).toBe("DELETE");
    answers = [fail(501, "NotImplemented")];
    expect(await codeOf(probeConditionalPut(store, "probe"))).toBe("store_unconditional");
  });
});

describe("requests", () => {
  it("never wait for 100 Continue and carry no checksum that others than AWS refuse", async () => {
    answers = [send(200, "", { etag: '"e"' })];
    await store.put("a", "x".repeat(2_000_000));
    expect(requests[0]?.headers["expect"]).toBeUndefined();
    expect(Object.keys(requests[0]?.headers ?? {}).filter((name) => name.startsWith("x-amz-checksum"))).toEqual([]);
  });
});
