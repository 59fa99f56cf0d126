/** A real Chromium for tests, from the devDependency: `npm ci` alone brings it. */

import type { Browser } from "playwright-core";

/** Unpacks Chromium where it is not yet, and gives its path. Two processes at once would start each other's half of it. */
export async function unpackChromium(): Promise<string> {
  // Read when the package unpacks itself: with it, it also unpacks the shared libraries that a bare machine lacks.
  process.env["AWS_LAMBDA_JS_RUNTIME"] ??= "nodejs22.x";
  const { default: chromium } = await import("@sparticuz/chromium");
  return chromium.executablePath();
}

/**
 * Starts headless Chromium with WebGPU on SwiftShader (a CPU: right, and very slow).
 * @param flags more command-line flags
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = await unpackChromium();
  const { chromium: driver } = await import("playwright-core");
  return driver.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      ...flags,
    ],
  });
}
