import assert from "node:assert/strict";
import { test } from "node:test";
import { TEXTS as FORM } from "../../../frontend/static/form/texts.js";
import { TEXTS as KEYBOARD } from "../../../frontend/static/keyboard/texts.js";
import { TEXTS as MODEL } from "../../../frontend/static/model/texts.js";
import { WORDS as de } from "../../../frontend/static/words/de.js";
import { WORDS as es } from "../../../frontend/static/words/es.js";
import { WORDS as fr } from "../../../frontend/static/words/fr.js";
import { TEXTS } from "../../../frontend/static/words/texts.js";

const LONGEST = 1.5; // times the English words, for which the page has its places
const MORE = 8; // letters: a single word may have them, whatever its length
const LONGEST_BUTTON = 1.4;
const MORE_BUTTON = 7;
const BUTTONS = [
  ["page.cut", "page.cutting", "strip.zip", "notice.browse", "notice.retry"],
  ["cutout.download", "cutout.copy", "cutout.copied", "cutout.share", "code.copy", "code.select"],
  [
    "options.choose",
    "options.choose-another",
    "options.reset",
    "source.choose",
    "source.add",
    "source.replace",
    "source.camera",
  ],
  ["own.go", "own.add", "own.use", "own.yes", "own.no", "own.forget"],
].flat();

/** @typedef {Record<string, string | Record<string, string>>} Words */

/** The page's words and those of form/, keyboard/ and model/, by language. @type {Record<string, Words>} */
const ALL = {
  en: { ...TEXTS.en, ...FORM.en, ...KEYBOARD.en, ...MODEL.en },
  es: { ...es, ...FORM.es, ...KEYBOARD.es, ...MODEL.es },
  de: { ...de, ...FORM.de, ...KEYBOARD.de, ...MODEL.de },
  fr: { ...fr, ...FORM.fr, ...KEYBOARD.fr, ...MODEL.fr },
};

/** @param {string | Record<string, string>} entry */
const forms = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry));
/** @param {string | Record<string, string>} entry */
const longest = (entry) => Math.max(...forms(entry).map(({ length }) => length));
/** What stands for values in the form for many. @param {string | Record<string, string>} entry */
const values = (entry) => [...(forms(entry).at(-1) ?? "").matchAll(/\{\w+\}/g)].map(String).sort();
/** @param {Words} words @param {string} key */
const told = (words, key) => Object.hasOwn(words, key) || Object.hasOwn(words, key.split(".").slice(0, 2).join("."));

for (const tag of ["es", "de", "fr"]) {
  const shared = Object.keys(ALL.en).filter((key) => Object.hasOwn(ALL[tag], key));

  test(`there are words for everything in ${tag}`, () => {
    const missing = Object.keys(ALL.en).filter((key) => !Object.hasOwn(ALL[tag], key));
    assert.deepEqual(
      missing.filter((key) => !key.startsWith("error.") || !told(ALL[tag], key)), // an error's reason has them or not
      [],
    );
    const own = Object.keys(ALL[tag]).filter((key) => !Object.hasOwn(ALL.en, key));
    assert.deepEqual(
      own.filter((key) => !key.startsWith("error.")), // English ones come from the server
      [],
    );
  });

  test(`they tell the same values in ${tag}`, () => {
    for (const key of shared) assert.deepEqual(values(ALL[tag][key]), values(ALL.en[key]), key);
  });
}

for (const tag of ["de", "fr"]) {
  test(`the same errors have words in ${tag} as in es`, () => {
    const errors = (/** @type {Words} */ words) =>
      Object.keys(words)
        .filter((key) => key.startsWith("error."))
        .sort();
    assert.deepEqual(errors(ALL[tag]), errors(ALL.es));
  });

  test(`words in ${tag} are not much longer than English ones`, () => {
    const shared = Object.keys(ALL.en).filter((key) => Object.hasOwn(ALL[tag], key));
    const long = shared.filter((key) => {
      const [times, more] = BUTTONS.includes(key) ? [LONGEST_BUTTON, MORE_BUTTON] : [LONGEST, MORE];
      const english = longest(ALL.en[key]);
      return longest(ALL[tag][key]) > Math.max(english * times, english + more);
    });
    assert.deepEqual(long, []);
  });
}
