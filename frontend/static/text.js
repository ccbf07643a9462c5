/**
 * Words in the person's language: the page's own, which are in texts.js, and the model's names for things, which the
 * server translates.
 */

import { TEXTS } from "./texts.js";

const asked = new URLSearchParams(location.search).get("lang");

/** A key of TEXTS: what the address asks for with `?lang=`, else the first of the browser's languages that there is. */
export const language =
  [asked, ...navigator.languages]
    .map((tag) => tag?.toLowerCase().split("-")[0])
    .find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en"; // its own keys: an object also inherits "constructor"

const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);
let names = new Map(); // what the model calls things, to what the person does

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

/** Whether the language has words for a key, its own and not the English ones. */
export function has(key) {
  return Object.hasOwn(TEXTS[language], key);
}

/** Take over what things are called. @param {Record<string, Record<string, string>>} told `names` of `/labels` */
export function learn(told) {
  names = new Map(Object.entries(told[language] ?? {}));
}

/** What the person calls what the model calls `name`, if there is a word; the server understands either. */
export function called(name) {
  return names.get(name) ?? name;
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
