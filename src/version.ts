/** The version of this release: of the package, the command line, `/healthz` and the run lock. `npm version` writes it. */
export const VERSION = "0.2.0";
