import { enableCodeCache } from "../code-cache.ts";
import type { ThreadTask } from "./score-thread.ts";

// Everything else is imported when the cache is open: a thread then starts in a third of the time.
enableCodeCache();
const { default: runTask } = await import("./score-thread.ts");

/** See score-thread.ts. */
export default (task: ThreadTask): ReturnType<typeof runTask> => runTask(task);
