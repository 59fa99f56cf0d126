/** Exit codes of the process; scripts may rely on them. */
export const EXIT_CODES = {
  ok: 0,
  /** The job failed, was canceled or expired; or something unexpected. */
  failed: 1,
  /** The command line or the manifest is wrong; nothing was done. */
  usage: 2,
  /** The server cannot be reached, or fails; the same command may succeed later. */
  unavailable: 4,
  /** The key is unknown, or may not do this; or a limit is reached. */
  refused: 5,
  /** The job ended, but some inputs have no label: see errors.jsonl. */
  withErrors: 3,
  /** `schedule check`: something should be looked into. */
  alerts: 6,
  /** Ctrl-C, as shells count it. A job on the server goes on. */
  interrupted: 130,
} as const;
