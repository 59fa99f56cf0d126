import { openPage } from "../open-page.ts";
import { showText } from "../terminal-text.ts";
import { findServer, print } from "./connection.ts";

/** The option of commands whose answer is a page of the console as well. */
export const WEB_ARG = {
  web: { type: "boolean", description: "Open its page of the console in the browser", default: false },
} as const;

/**
 * Opens a page of the server's console; where this system has no browser to open, the address is the answer.
 * @param place behind `#/`: `jobs/<id>`
 */
export async function openConsole(args: Parameters<typeof findServer>[0], place: string): Promise<void> {
  const address = `${findServer(args).baseUrl}/#/${place}`;
  if (await openPage(address)) process.stderr.write(`opens ${showText(address)}\n`);
  else print(address);
}
