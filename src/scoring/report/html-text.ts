/**
 * HTML by template literals that escape everything by default. Keys, ids, group names and messages come from strangers:
 * only what {@link html} built, or {@link trustHtml} names as our own, goes in as markup.
 */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Markup that is safe as it is. A class, so that no object parsed from JSON can pass for it. */
export class SafeHtml {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What a template may hold; `null` and `false` leave nothing. */
export type HtmlValue = SafeHtml | string | number | null | false | readonly HtmlValue[];

/**
 * Text as HTML text or attribute value. Control characters and direction overrides, which could hide or reorder what
 * stands beside them, become the replacement character.
 */
export function escapeHtml(text: string): string {
  return (
    text
      .toWellFormed()
      // eslint-disable-next-line no-control-regex -- they are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
      .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
  );
}

function renderValue(value: HtmlValue): string {
  if (value === null || value === false) return "";
  if (value instanceof SafeHtml) return value.toString();
  if (typeof value === "object") return value.map(renderValue).join("");
  return escapeHtml(String(value));
}

/** Builds markup; every interpolated string is escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): SafeHtml {
  return new SafeHtml(strings.reduce((text, part, index) => text + renderValue(values[index - 1] ?? null) + part));
}

/** Markup of our own making: style sheets and constants, never anything read. */
export function trustHtml(markup: string): SafeHtml {
  return new SafeHtml(markup);
}
