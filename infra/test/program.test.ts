import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import monitor from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/resource_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, it } from "vitest";

/**
 * The mocks run inside the test; this is how `pulumi up` runs a program: Pulumi's own language host in a process of its own, with
 * Node's stripping of types, talking to an engine. The engine here answers every registration and creates nothing.
 */

const infra = join(import.meta.dirname, "..");

interface Outcome {
  readonly code: number | null;
  /** Types of all resources. */
  readonly types: readonly string[];
  /** Types of those that `destroy` refuses to take. */
  readonly kept: readonly string[];
  readonly text: string;
}

function answerNothing(_call: unknown, answer: sendUnaryData<empty.Empty>): void {
  answer(null, new empty.Empty());
}

type Registration = InstanceType<typeof messages.RegisterResourceRequest>;

/** An engine that notes what is registered and the texts of what is logged. */
function createEngine(registered: Registration[], texts: string[]): Server {
  const server = new Server();
  server.addService(Reflect.get(monitor, "ResourceMonitorService"), {
    supportsFeature: (_call: unknown, answer: sendUnaryData<unknown>) => {
      const reply = new messages.SupportsFeatureResponse();
      reply.setHassupport(true);
      answer(null, reply);
    },
    registerResource: (call: ServerUnaryCall<Registration, unknown>, answer: sendUnaryData<unknown>) => {
      const type = call.request.getType();
      registered.push(call.request);
      const reply = new messages.RegisterResourceResponse();
      reply.setUrn(`urn:pulumi:production::infra::${type}::${call.request.getName()}`);
      reply.setObject(call.request.getObject() ?? new structs.Struct());
      answer(null, reply);
    },
    invoke: (_call: unknown, answer: sendUnaryData<unknown>) => {
      const reply = new messages.ResourceInvokeResponse();
      reply.setReturn(structs.Struct.fromJavaScript({ accountId: "123456789012" }));
      answer(null, reply);
    },
    registerResourceOutputs: answerNothing,
    signalAndWaitForShutdown: answerNothing,
  });
  server.addService(Reflect.get(engine, "EngineService"), {
    log: (
      call: ServerUnaryCall<InstanceType<typeof engineMessages.LogRequest>, unknown>,
      answer: sendUnaryData<empty.Empty>,
    ) => {
      texts.push(call.request.getMessage());
      answer(null, new empty.Empty());
    },
    setRootResource: (_call: unknown, answer: sendUnaryData<unknown>) =>
      answer(null, new engineMessages.SetRootResourceResponse()),
    getRootResource: (_call: unknown, answer: sendUnaryData<unknown>) =>
      answer(null, new engineMessages.GetRootResourceResponse()),
  });
  return server;
}

async function runInHost(program: "cloudflare" | "aws", config: Record<string, string>): Promise<Outcome> {
  const registered: Registration[] = [];
  const texts: string[] = [];
  const server = createEngine(registered, texts);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const address = `127.0.0.1:${port}`;
  try {
    const host = spawn(
      process.execPath,
      [
        join(infra, "node_modules/@pulumi/pulumi/cmd/run"),
        `--monitor=${address}`,
        `--engine=${address}`,
        `--project=countenance-${program}`,
        "--stack=production",
        "--dry-run",
        "--parallel=8",
        ".",
      ],
      { cwd: join(infra, program), env: { ...process.env, PULUMI_CONFIG: JSON.stringify(config) } },
    );
    for (const stream of [host.stdout, host.stderr]) stream.on("data", (data: Buffer) => texts.push(data.toString()));
    const [code] = (await once(host, "close")) as [number | null];
    const listTypes = (some: readonly Registration[]) =>
      some.map((request) => request.getType()).sort((a, b) => (a < b ? -1 : 1));
    const kept = registered.filter((request) => request.getProtect());
    return { code, types: listTypes(registered), kept: listTypes(kept), text: texts.join("\n") };
  } finally {
    server.forceShutdown();
  }
}

describe("Pulumi's language host", () => {
  it("runs the Cloudflare program", async () => {
    const { code, types, kept, text } = await runInHost("cloudflare", {
      "countenance-cloudflare:accountId": "0123456789abcdef0123456789abcdef",
    });
    expect({ code, said: code === 0 ? "" : text }).toEqual({ code: 0, said: "" });
    expect(types).toEqual([
      "cloudflare:index/queue:Queue",
      "cloudflare:index/queue:Queue",
      "cloudflare:index/queue:Queue",
      "cloudflare:index/queue:Queue",
      "cloudflare:index/r2Bucket:R2Bucket",
      "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle",
      "pulumi:pulumi:Stack",
      "random:index/randomBytes:RandomBytes",
      "random:index/randomBytes:RandomBytes",
    ]);
    expect(kept).toEqual(types.filter((type) => /:(Queue|R2Bucket)$/.test(type)));
  });

  it("keeps nothing of a disposable environment", async () => {
    const { code, kept } = await runInHost("cloudflare", {
      "countenance-cloudflare:accountId": "0123456789abcdef0123456789abcdef",
      "countenance-cloudflare:disposable": "true",
    });
    expect({ code, kept }).toEqual({ code: 0, kept: [] });
  });

  it("runs the AWS program, and says which setting is missing", async () => {
    const { code, types, kept, text } = await runInHost("aws", {
      "aws:region": "eu-central-1",
      "countenance-aws:url": "https://countenance-production.example.workers.dev",
      "countenance-aws:apiKey": "a key",
      "countenance-aws:purpose": "research",
    });
    expect({ code, said: code === 0 ? "" : text }).toEqual({ code: 0, said: "" });
    expect(types.filter((type) => type.endsWith(":EventTarget"))).toHaveLength(2);
    expect(kept).toEqual(["aws:s3/bucket:Bucket"]);
    const refused = await runInHost("aws", {});
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain("aws:region");
  });
});
