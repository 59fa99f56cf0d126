import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

// Zod looks whether it may make code out of text; the content security policy refuses that and reports the try.
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });

// A task of its own: a slow phone shows the frame, and answers a touch, between reading the script and drawing the page.
setTimeout(() =>
  createRoot(document.querySelector("#root")!).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
);
