/** Runs a program under Pulumi's mocks, without an account or a network, and records what it would register. */

import { runtime } from "@pulumi/pulumi";
import { vi } from "vitest";

/** One resource as the engine would get it, secrets marked. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What a program registered and exported. */
export interface Run {
  readonly resources: readonly Recorded[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Names of the exported values that the state keeps encrypted. */
  readonly secrets: readonly string[];
  /** The only resource of a type (its last part); throws unless there is exactly one. */
  readonly one: (type: string) => Recorded;
  readonly every: (type: string) => readonly Recorded[];
}

interface OutputLike {
  readonly promise: () => Promise<unknown>;
  readonly isSecret: Promise<boolean>;
}

/** Every mocked resource has the names and addresses that others ask for. */
function describeState(type: string, name: string, inputs: Readonly<Record<string, unknown>>) {
  const kind = type.split("/").at(-1) ?? type;
  return {
    bucket: `${name}-1a2b3c4`,
    arn: `arn:aws:${kind}:::${name}`,
    url: `https://sqs.example/${name}`,
    name,
    secret: `secret of ${name}`,
    queueId: `queue-of-${name}`,
    base64: `bytes of ${name}`,
    ...inputs,
  };
}

const isOutput = (value: unknown): value is OutputLike =>
  typeof value === "object" && value !== null && "__pulumiOutput" in value;

/**
 * Runs a program's `index.ts` from its beginning.
 * @param program its folder
 * @param config keys with their project, as in `countenance-aws:url`
 */
export async function runProgram(
  program: "cloudflare" | "aws",
  stack: string,
  config: Readonly<Record<string, string>>,
): Promise<Run> {
  const resources: Recorded[] = [];
  await runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs });
        return { id: `id-of-${name}`, state: describeState(type, name, inputs) };
      },
      call: ({ token, inputs }) =>
        token === "aws:index/getCallerIdentity:getCallerIdentity" ? { accountId: "123456789012" } : inputs,
    },
    `countenance-${program}`,
    stack,
  );
  runtime.setAllConfig({ ...config });
  vi.resetModules();
  const exported: Record<string, unknown> = await import(`../${program}/index.ts`);
  const outputs: Record<string, unknown> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(exported)) {
    outputs[name] = isOutput(value) ? await value.promise() : value;
    if (isOutput(value) && (await value.isSecret)) secrets.push(name);
  }
  // Waits for every registration.
  await runtime.disconnect(false);
  const every = (type: string) => resources.filter((resource) => resource.type.endsWith(`:${type}`));
  return {
    resources,
    outputs,
    secrets,
    every,
    one: (type) => {
      const [found, ...others] = every(type);
      if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} of ${type}, or none`);
      return found;
    },
  };
}
