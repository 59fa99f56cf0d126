/** The stack's configuration of the AWS side, checked. */

import type { Config } from "@pulumi/pulumi";
import type { EventSettings } from "./upload-events.ts";
import type { WorkerSettings } from "./workers.ts";
import { UPLOAD_KINDS, type UploadKind } from "./upload-kinds.ts";

const FACES = ["aligned", "largest", "all"] as const;

/**
 * What upload events need; `null` until `url` is set: the first `up` comes before the Worker has an address.
 * @throws Error when `url` is set and the rest is missing or wrong
 */
export function readEventSettings(
  config: Config,
  store: string,
): Omit<EventSettings, "environment" | "accountId"> | null {
  const url = config.get("url");
  if (url === undefined) return null;
  return {
    store,
    url,
    apiKey: config.requireSecret("apiKey"),
    purpose: config.require("purpose"),
    faces: readFaces(config.get("faces") ?? "largest"),
    kinds: (config.getObject<string[]>("startOn") ?? ["manifest", "tar"]).map(readKind),
    feed: config.get("feed"),
    alarmEmail: config.get("alarmEmail"),
  };
}

/**
 * What machines beside the bucket need; `null` until `work` is set.
 * @throws Error when `work` is set and the rest is missing or wrong
 */
export function readWorkerSettings(config: Config): Omit<WorkerSettings, "environment" | "region"> | null {
  const work = config.getObject<Readonly<Record<string, unknown>>>("work");
  if (work === undefined) return null;
  const { image, subnets, securityGroups, maxVcpus } = work;
  if (typeof image !== "string" || image === "") throw new Error("work: image, the target work of the Dockerfile");
  return {
    url: config.require("url"),
    apiKey: config.requireSecret("workKey"),
    image,
    subnets: readTexts(subnets),
    securityGroups: readTexts(securityGroups),
    maxVcpus: typeof maxVcpus === "number" ? maxVcpus : 64,
  };
}

function readTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function readFaces(value: string): EventSettings["faces"] {
  const faces = FACES.find((known) => known === value);
  if (faces === undefined) throw new Error(`faces: one of ${FACES.join(", ")}`);
  return faces;
}

function readKind(value: string): UploadKind {
  const kind = UPLOAD_KINDS.find((known) => known === value);
  if (kind === undefined) throw new Error(`startOn: some of ${UPLOAD_KINDS.join(", ")}`);
  return kind;
}
