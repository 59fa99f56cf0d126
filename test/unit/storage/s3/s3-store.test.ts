import { afterAll, beforeAll } from "vitest";
import { createS3Store } from "../../../../src/storage/s3/s3-store.ts";
import { describeObjectStore, LINE_BREAK_NAME } from "../../../contract/object-store.ts";
import { type S3Server, startS3Server } from "../../../contract/s3-server.ts";

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server.close());

describeObjectStore({
  name: "S3 protocol, from Node",
  open: () => createS3Store({ ...server.config, pace: { answerMs: 60_000, bytesPerSecond: 1e5 } }),
  refuses: (key) => key.split("/").some((segment) => [".", ".."].includes(segment)),
  serverLacks: {
    [LINE_BREAK_NAME]:
      "the local server's router answers 404 to line breaks in a path; test/unit/storage/s3/s3-keys.test.ts has them",
  },
});
