import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "virtual:design.css";
import "./styles/shell.css";
import "./styles/job.css";
import { App } from "./app.tsx";

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
