import { ScoringError } from "../src/errors.ts";

/** The dollars of an option, more than zero; `undefined` where it was not given. @throws ScoringError `validation_failed` */
export function readBudget(option: string, text: string | undefined): { readonly dollars: number } | undefined {
  if (text === undefined) return undefined;
  const dollars = Number(text);
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && dollars > 0) return { dollars };
  throw new ScoringError(
    "validation_failed",
    `--${option}: ${JSON.stringify(text)} is no number of dollars, such as 2.50`,
  );
}

/** The whole number of an option; `undefined` where it was not given. The server checks its range. @throws ScoringError `validation_failed` */
export function readInteger(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new ScoringError("validation_failed", `--${option}: ${JSON.stringify(text)} is not a whole number`);
}
