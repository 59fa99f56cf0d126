/**
 * tfjs-backend-webgpu on a device of our own, so that its loss is seen and its memory given back. No adapter is a
 * value, not an error: the caller goes on to the next engine.
 */

import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Classifier } from "../model/classifier.ts";
import type { Model } from "../model/model.ts";
import { createTfjsClassifier } from "./tfjs-classifier.ts";

const WEBGPU_BACKEND = "webgpu";
/** A GPU wants wide batches; above this the gain is lost to upload and latency. */
const WEBGPU_BATCH_SIZE = 128;
/** A CPU that plays GPU takes half a second per face: a batch must not be filled up with empty faces. */
const SOFTWARE_BATCH_SIZE = 8;

/** News of a lost device comes within milliseconds of the failures that it causes. */
const LOSS_NEWS_MS = 500;

/** Settings of the WebGPU engine. */
export interface WebgpuOptions {
  /** Faces per run, default 128; 8 on a software adapter. */
  readonly batchSize?: number;
  /** Refuses an adapter that is a program on the CPU: wasm is far faster there. Default false. */
  readonly hardwareOnly?: boolean;
}

/** An engine, or why there is none here. */
export type WebgpuStart =
  | { readonly kind: "ready"; readonly classifier: Classifier; readonly adapter: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** The one device that tfjs's backend runs on, shared by the classifiers; freed with the last of them. */
interface Device {
  readonly gpu: GPUDevice;
  /** Vendor and architecture, as the browser tells them. */
  readonly adapter: string;
  readonly software: boolean;
  /** Why the device is gone; `null` while it works. */
  fault: string | null;
  users: number;
}

type DeviceStart = { readonly kind: "ready"; readonly device: Device } | (WebgpuStart & { kind: "unavailable" });

let current: Promise<DeviceStart> | null = null;

/**
 * A classifier on WebGPU. Its `classify` throws `engine_unavailable` once the device is lost; a new call of this function
 * then asks for a new device.
 * @throws ScoringError `model_invalid`, `engine_unavailable` if the backend fails although there is a device
 */
export async function createTfjsWebgpuClassifier(model: Model, options: WebgpuOptions = {}): Promise<WebgpuStart> {
  current ??= requestDevice();
  const start = await current;
  if (start.kind === "unavailable") {
    current = null;
    return start;
  }
  const { device } = start;
  if (device.fault !== null) {
    freeDevice(device);
    return createTfjsWebgpuClassifier(model, options);
  }
  if (device.software && options.hardwareOnly === true) {
    if (device.users === 0) freeDevice(device);
    return { kind: "unavailable", reason: `WebGPU is a program on the CPU here (${device.adapter}): wasm is faster` };
  }
  device.users++;
  try {
    const inner = await createTfjsClassifier(model, {
      backend: WEBGPU_BACKEND,
      engine: "tfjs-webgpu",
      batchSize: options.batchSize ?? (device.software ? SOFTWARE_BATCH_SIZE : WEBGPU_BATCH_SIZE),
      findFault: () => device.fault,
      awaitFault: () => awaitLoss(device),
    });
    return { kind: "ready", classifier: holdDevice(inner, device), adapter: device.adapter };
  } catch (error) {
    releaseDevice(device);
    throw error;
  }
}

function holdDevice(inner: Classifier, device: Device): Classifier {
  let disposed = false;
  return {
    ...inner,
    dispose() {
      if (disposed) return;
      disposed = true;
      inner.dispose();
      releaseDevice(device);
    },
  };
}

async function requestDevice(): Promise<DeviceStart> {
  const { gpu } = navigator;
  if (gpu === undefined) return { kind: "unavailable", reason: "this browser has no WebGPU" };
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) return { kind: "unavailable", reason: "WebGPU has no adapter here" };
  const { limits } = adapter;
  let handle: GPUDevice;
  try {
    handle = await adapter.requestDevice({
      // What tfjs's shaders may need beyond the defaults, as far as the adapter has it.
      requiredLimits: {
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxBufferSize: limits.maxBufferSize,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      },
    });
  } catch (error) {
    return { kind: "unavailable", reason: error instanceof Error ? error.message : "WebGPU has no device" };
  }
  const info = await readAdapterInfo(adapter);
  const name = [info?.vendor, info?.architecture].filter(Boolean).join(" ") || "unnamed";
  const software = (info?.isFallbackAdapter ?? false) || /swiftshader|llvmpipe|warp/i.test(name);
  const device: Device = { gpu: handle, adapter: name, software, fault: null, users: 0 };
  void watchLoss(device);
  // The package registered its own start-up when it was imported, if the browser has WebGPU.
  if (tf.findBackendFactory(WEBGPU_BACKEND) !== null) tf.removeBackend(WEBGPU_BACKEND);
  tf.registerBackend(WEBGPU_BACKEND, () => new WebGPUBackend(handle, info), 0);
  return { kind: "ready", device };
}

/** `adapter.info` today, `requestAdapterInfo()` in browsers that had it before (removed in Chrome 131). */
async function readAdapterInfo(adapter: GPUAdapter): Promise<GPUAdapterInfo> {
  const legacy: { requestAdapterInfo?: () => Promise<GPUAdapterInfo> } = adapter;
  return adapter.info ?? (await legacy.requestAdapterInfo?.());
}

async function watchLoss(device: Device): Promise<void> {
  const { reason, message } = await device.gpu.lost;
  device.fault ??= `the GPU device was lost (${reason}): ${message}`;
}

/** The fault of a device whose batch has just failed, if it comes soon. */
async function awaitLoss(device: Device): Promise<string | null> {
  await Promise.race([device.gpu.lost, new Promise((resolve) => setTimeout(resolve, LOSS_NEWS_MS))]);
  return device.fault;
}

function releaseDevice(device: Device): void {
  device.users--;
  if (device.users === 0) freeDevice(device);
}

/** Drops the backend and the device; harmless on one that is already gone. */
function freeDevice(device: Device): void {
  device.fault ??= "the GPU device was given back";
  current = null;
  if (tf.findBackendFactory(WEBGPU_BACKEND) !== null) tf.removeBackend(WEBGPU_BACKEND);
  device.gpu.destroy();
}
