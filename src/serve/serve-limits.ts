/** The limits of a self-hosted server, besides `LIMITS`. */

/** Times in ms. */
export const SERVE_LIMITS = {
  /** Requests of one API key, or failed attempts from one address, in each period: as the `ratelimits` of wrangler.toml. */
  maxRequests: 1200,
  requestPeriodMs: 60_000,
  /** A consumer that is silent for this long is taken for dead: the platform ends one after 15 minutes. */
  holdMs: 15 * 60_000,
  /** Notices on their way to receivers at once. */
  maxNotices: 8,
  /** An alarm whose job could not be read goes off again after this time. */
  alarmRetryMs: 30_000,
  /** How often schedules are checked. */
  schedulePeriodMs: 60_000,
  /** How often jobs that lost their alarm are looked for, and those whose retention is over. */
  sweepPeriodMs: 3_600_000,
  /** Time for requests that are being answered when the server stops, and then for work under way: container platforms wait 10 s by default. */
  drainMs: 1000,
  stopMs: 6000,
} as const;
