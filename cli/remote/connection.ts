import { type Api, createApi } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";

/** Options of every command that talks to a server. */
export const CONNECTION_ARGS = {
  url: { type: "string", description: "The server; default COUNTENANCE_URL, else http://127.0.0.1:8787" },
  key: { type: "string", description: "An API key; default COUNTENANCE_KEY (safer: others can see command lines)" },
  json: { type: "boolean", description: "Print JSON on standard output", default: false },
} as const;

/** Address and key that the command line or the environment names. @throws ScoringError `validation_failed`, `unauthorized` */
export function findServer(args: { readonly url?: string | undefined; readonly key?: string | undefined }): {
  readonly baseUrl: string;
  readonly key: string;
} {
  const url = args.url ?? process.env["COUNTENANCE_URL"] ?? "http://127.0.0.1:8787";
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ScoringError(
      "validation_failed",
      `${JSON.stringify(url)} is not the address of a server: give --url or COUNTENANCE_URL as http://… or https://…`,
    );
  }
  const key = args.key ?? process.env["COUNTENANCE_KEY"];
  if (key === undefined || key === "") throw new ScoringError("unauthorized", "there is no API key");
  return { baseUrl: url.replace(/\/+$/, ""), key };
}

/** A client of that server. */
export function connect(args: Parameters<typeof findServer>[0]): Api {
  return createApi(findServer(args));
}

/** One line on standard output: data. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** JSON with a line end. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
