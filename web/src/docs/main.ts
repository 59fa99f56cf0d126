/** `/docs`: the page is there before this runs. It names its server, and loads the explorer for whoever asks for it. */

/** An element that the page of web/docs-page.ts has. */
function find(id: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(`#${id}`);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

const base = new URL("./", document.baseURI);
let isOpen = false;

/** Opens the explorer in the place of the page, at the operation that the address names. */
async function explore(): Promise<void> {
  if (isOpen) return;
  isOpen = true;
  const button = find("explore");
  button.textContent = "Loading …";
  try {
    const { openExplorer } = await import("./explorer.ts");
    find("explorer").hidden = false;
    openExplorer(find("explorer"), new URL("v1/openapi.json", base).href);
    find("page").hidden = true;
  } catch (error) {
    isOpen = false;
    button.textContent = "Try requests here";
    throw error;
  }
}

/** `#/jobs/submitJob` names an operation. */
const namesOperation = (): boolean => window.location.hash.startsWith("#/");

find("origin").textContent = base.href.replace(/\/$/, "");
find("explore").hidden = false;
find("explore").addEventListener("click", () => void explore());
window.addEventListener("hashchange", () => namesOperation() && void explore());
if (namesOperation()) void explore();
