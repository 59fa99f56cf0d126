import { defineConfig } from "vitest/config";

/** A busy machine needs seconds to load Pulumi's packages. */
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 60_000 } });
