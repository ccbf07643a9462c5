/** The page's words in the person's language. The words themselves are in texts.js. */

import { TEXTS } from "./texts.js";

const asked = new URLSearchParams(location.search).get("lang");

/** A key of TEXTS: what the address asks for with `?lang=`, else the first of the browser's languages that there is. */
export const language =
  [asked, ...navigator.languages].map((tag) => tag?.toLowerCase().split("-")[0]).find((tag) => tag in TEXTS) ?? "en";

const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);

/**
 * The words for a key, with `{name}` replaced by values; numbers are written as the language does.
 * Where the words depend on a number, the entry is {one, other, …} and `values.count` chooses.
 */
export function t(key, values = {}) {
  let words = TEXTS[language][key] ?? TEXTS.en[key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  if (typeof words === "object") words = words[plural.select(values.count)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? number.format(values[name]) : String(values[name]),
  );
}

/** Put words where the document asks for them: `data-text="key"`, and `data-text-title="key"` for attributes. */
export function fill(root) {
  for (const element of root.querySelectorAll("*")) {
    for (const [name, key] of Object.entries(element.dataset)) {
      if (name === "text") element.textContent = t(key);
      else if (name.startsWith("text")) element.setAttribute(attribute(name), t(key));
    }
  }
}

/** "textAriaLabel" means "aria-label". */
function attribute(name) {
  return name.slice(4).replace(/[A-Z]/g, (letter, place) => (place ? "-" : "") + letter.toLowerCase());
}
