// A Worker of your own with Countenance below /faces. wrangler.toml beside it has the bindings.
import { createCountenance, DirectoryObject, JobCoordinatorObject } from "countenance/worker";

const countenance = createCountenance({
  basePath: "/faces",
  auth: {
    // Who asks, as your Worker knows it: here a header that Cloudflare Access sets. `null` leaves it to Countenance's own API keys.
    identify(request) {
      const user = request.headers.get("cf-access-authenticated-user-email");
      if (user === null) return null;
      return {
        keyId: `user:${user}`,
        scopes: ["jobs:read", "jobs:write", "objects:write"],
        grants: [{ store: "faces", prefix: `${user}/` }],
        purposes: null,
        maxJobs: 2,
        maxImagesPerDay: 10_000,
      };
    },
  },
});

export { DirectoryObject, JobCoordinatorObject };

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    return pathname.startsWith("/faces/") ? countenance.fetch(request, env) : new Response("This is my own page.\n");
  },
  queue: countenance.queue,
  scheduled: countenance.scheduled,
};
