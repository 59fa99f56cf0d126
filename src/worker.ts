/** The Worker that wrangler.toml deploys. No logic. */

import { createCountenance } from "./embedded.ts";
import { createS3Store } from "./storage/s3/s3-store.ts";

export { DirectoryObject, JobCoordinatorObject } from "./embedded.ts";

export default createCountenance({ openS3: createS3Store });
