/**
 * Words in the person's language: the page's own, which are in texts.js, and the model's names for things, which the
 * server translates.
 */

import { TEXTS } from "./texts.js";

/** @typedef {Record<string, unknown>} Values what is put into words, by name */

const LOADED = ["es", "de", "fr"]; // in files of their own: other people need not wait for them

const asked = new URLSearchParams(location.search).get("lang");
/** What the address asks for with `?lang=`, then the browser's languages, as the keys of TEXTS. */
const wanted = [asked, ...navigator.languages].map((tag) => tag?.toLowerCase().split("-")[0] ?? "");

/** A key of TEXTS: the first that is wanted of those that there are. */
export const language = wanted.find((tag) => [...Object.keys(TEXTS), ...LOADED].includes(tag)) ?? "en";

if (LOADED.includes(language)) TEXTS[language] = (await import(`./${language}.js`)).WORDS;

const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);
/** @type {Map<string, string>} what the model calls things, to what the person does */
let names = new Map();

/**
 * Return the words for a key, with `{name}` replaced by values; numbers are written as the language does.
 * Where the words depend on a number, the entry is {one, other, …} and `values.count` chooses.
 * @param {string} key
 * @param {Values} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const entry = TEXTS[language][key] ?? TEXTS.en[key];
  if (entry === undefined) throw new Error(`no words for ${key}`);
  const words = typeof entry === "string" ? entry : (entry[plural.select(Number(values.count))] ?? entry.other);
  return words.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number.format(value) : String(value);
  });
}

/** Take the words of a part of the page that is loaded later. @param {typeof TEXTS} more */
export function addTexts(more) {
  for (const tag of Object.keys(TEXTS)) Object.assign(TEXTS[tag], more[tag]);
}

/** Return whether the language has words for a key, its own and not the English ones. @param {string} key */
export function has(key) {
  return Object.hasOwn(TEXTS[language], key);
}

/**
 * Take over what things are called, in the first wanted language that has names: there are more of those than of texts.
 * @param {Record<string, Record<string, string>>} told `names` of `/labels`
 */
export function learn(told) {
  const tag = wanted.find((each) => each === "en" || Object.hasOwn(told, each)) ?? language;
  names = new Map(Object.entries(told[tag] ?? {}));
}

/**
 * Return the person's name for a class, or the model's own where there is none; the server understands either.
 * @param {string | null} name null: of an object without a class
 */
export function localName(name) {
  if (name === null) return t("objects.unnamed");
  return names.get(name) ?? name;
}

/**
 * Put words where the document asks for them: `data-text="key"`, and `data-text-title="key"` for attributes.
 * @param {ParentNode} root
 */
export function fill(root) {
  for (const element of root.querySelectorAll("*")) {
    if (!(element instanceof HTMLElement || element instanceof SVGElement)) continue;
    for (const [name, key = ""] of Object.entries(element.dataset)) {
      if (name === "text") element.textContent = t(key);
      else if (name.startsWith("text")) element.setAttribute(attribute(name), t(key));
    }
  }
}

/** Turn "textAriaLabel" into "aria-label". @param {string} name */
function attribute(name) {
  return name.slice(4).replace(/[A-Z]/g, (letter, place) => (place ? "-" : "") + letter.toLowerCase());
}
