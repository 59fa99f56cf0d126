import { ScoringError } from "../src/errors.ts";

/** The whole number of an option; `undefined` where it was not given. The server checks its range. @throws ScoringError `validation_failed` */
export function readInteger(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new ScoringError("validation_failed", `--${option}: ${JSON.stringify(text)} is not a whole number`);
}
