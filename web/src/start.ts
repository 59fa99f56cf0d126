/** The first script, which is small: it asks for what the page at the address needs, code and answers, while the console itself is on its way. */

import { parseRoute } from "./address.ts";
import "./early-requests.ts";
import { loadPage } from "./page-parts.ts";

loadPage(parseRoute(window.location.hash));
