/** Light, dark, or as the system says; remembered in this browser. */

import { type ReactNode, useEffect, useState } from "react";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const STORED = "countenance-theme";
const NAMES: Readonly<Record<Theme, string>> = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };

/** Goes through the themes. */
export function ThemeButton(): ReactNode {
  const [theme, setTheme] = useState<Theme>(() => {
    const stored = window.localStorage.getItem(STORED);
    return THEMES.find((known) => known === stored) ?? "auto";
  });
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    window.localStorage.setItem(STORED, theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
  return (
    <button
      type="button"
      className="plain"
      title={`Colors: ${theme}; change to ${next}`}
      onClick={() => setTheme(next)}
    >
      {NAMES[theme]}
    </button>
  );
}
