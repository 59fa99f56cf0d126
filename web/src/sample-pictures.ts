/** Pictures for those who have none at hand: portraits where a clone built the console, else faces that the page draws. */

import { drawDemoPictures } from "./demo-pictures.ts";

/** A picture with its name. */
export interface SamplePicture {
  readonly name: string;
  readonly blob: Blob;
}

/** Names of the files beside the console; a deployment or a package has none. */
const LIST = "./samples/list.json";

/** The samples; none of them shows anybody who uses this console. */
export async function loadSamplePictures(): Promise<readonly SamplePicture[]> {
  try {
    return await fetchSamples();
  } catch {
    return drawDemoPictures();
  }
}

async function fetchSamples(): Promise<readonly SamplePicture[]> {
  const names: unknown = await (await fetchPart(LIST)).json();
  if (!Array.isArray(names)) throw new Error("the list of samples is none");
  const paths = names.filter((name) => typeof name === "string");
  return Promise.all(paths.map(async (name) => ({ name, blob: await (await fetchPart(`./samples/${name}`)).blob() })));
}

async function fetchPart(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response;
}
