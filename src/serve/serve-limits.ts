/** What bounds a server of one's own, beside `LIMITS`. */

/** Times in ms. */
export const SERVE_LIMITS = {
  /** Requests of one API key, or failed attempts from one address, in each period: as the `ratelimits` of wrangler.toml. */
  maxRequests: 1200,
  requestPeriodMs: 60_000,
  /** A consumer that is silent for so long is taken for dead: the platform ends one after 15 minutes. */
  holdMs: 15 * 60_000,
  /** Notices on their way to receivers at once. */
  maxNotices: 8,
  /** An alarm whose job could not be read goes off again after so long. */
  alarmRetryMs: 30_000,
  /** How often schedules are looked at. */
  schedulePeriodMs: 60_000,
  /** How often jobs that lost their alarm are looked for, and those whose retention is over. */
  sweepPeriodMs: 3_600_000,
  /** At a stop, requests that are being answered get so long, then work that is under way: container platforms wait 10 s by default. */
  drainMs: 1000,
  stopMs: 6000,
} as const;
