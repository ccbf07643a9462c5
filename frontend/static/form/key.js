/** Asks for the key that a server wants of those who send photos. Loaded only where one does. */

import { make } from "../elements.js";
import { wordsFor } from "../words/errors.js";
import { addTexts, t } from "../words/translate.js";
import { TEXTS } from "./texts.js";

addTexts(TEXTS);

document.head.append(make("link", { rel: "stylesheet", href: "form/key.css" }));

/** @type {Promise<string> | null} of the dialog that is open */
let asked = null;

/**
 * Ask for the key; several who ask at once are answered by one dialog.
 * @param {unknown} error why the server did not take the photo
 * @param {boolean} again whether it was for a wrong key
 * @returns {Promise<string>} rejects with the error when nobody gives one
 */
export function askForKey(error, again) {
  asked ??= open(error, again).finally(() => {
    asked = null;
  });
  return asked;
}

/** @param {unknown} error @param {boolean} again @returns {Promise<string>} */
function open(error, again) {
  const input = make("input", { type: "password", className: "field", required: true, autocomplete: "off", id: "key" });
  input.setAttribute("aria-describedby", "key-hint");
  const form = make("form", { method: "dialog", className: "step" });
  const no = make("button", { type: "button", className: "button quiet", textContent: t("key.no") });
  form.append(
    make("h2", { id: "key-title", textContent: t("key.title") }),
    make("p", { role: "alert", textContent: again ? wordsFor(error) : "" }),
    make("label", { htmlFor: "key", textContent: t("key.label") }),
    input,
    make("p", { id: "key-hint", className: "hint", textContent: t("key.hint") }),
    make("button", { className: "button primary", textContent: t("key.go") }),
    no,
  );
  let given = "";
  const dialog = make("dialog", { className: "key" });
  dialog.setAttribute("aria-labelledby", "key-title");
  dialog.append(form);
  document.body.append(dialog);
  no.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", () => {
    given = input.value.trim();
  });
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (given) resolve(given);
      else reject(error);
    });
  });
}
