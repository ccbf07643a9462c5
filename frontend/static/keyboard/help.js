/** Tells the keys of the editor in a dialog, and switches those off that are single characters. Loaded on demand. */

import { make } from "../elements.js";
import { addTexts, t } from "../words/translate.js";
import { COMMANDS, SINGLE, written } from "./shortcuts.js";
import { TEXTS } from "./texts.js";

addTexts(TEXTS);

/** Those that work where the focus is, by the words for them. */
const FOCUSED = { "keys.size": ["[", "]"], "keys.move": ["←", "→", "↑", "↓"], "keys.leave": ["Esc"] };

/** Show the keys. @param {import("./shortcuts.js").Shortcuts} shortcuts */
export function show(shortcuts) {
  const dialog = make("dialog", { className: "keys" });
  dialog.setAttribute("aria-labelledby", "keys-title");
  const single = make("input", { type: "checkbox", checked: shortcuts.single });
  single.setAttribute("aria-describedby", "keys-hint");
  const label = make("label", { className: "keys-single" });
  label.append(single, make("span", { textContent: t("keys.single") }));
  const singles = listOf(SINGLE.map((shortcut) => ({ words: t(shortcut.words), keys: [written(shortcut, false)] })));
  const form = make("form", { method: "dialog" });
  form.append(make("button", { className: "button primary", textContent: t("keys.close") }));
  dialog.append(
    make("h2", { id: "keys-title", textContent: t("keys.title") }),
    listOf(COMMANDS.map((shortcut) => ({ words: t(shortcut.words), keys: [written(shortcut, true)] }))),
    label,
    make("p", { id: "keys-hint", className: "hint", textContent: t("keys.single-hint") }),
    singles,
    make("h3", { textContent: t("keys.picture") }),
    listOf(Object.entries(FOCUSED).map(([words, keys]) => ({ words: t(words), keys }))),
    form,
  );
  const dim = () => singles.toggleAttribute("data-off", !shortcuts.single);
  single.addEventListener("change", () => {
    shortcuts.single = single.checked;
    dim();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close(); // beside what it holds
  });
  dialog.addEventListener("close", () => dialog.remove());
  dim();
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {{words: string, keys: string[]}[]} shortcuts */
function listOf(shortcuts) {
  const list = make("dl");
  for (const { words, keys } of shortcuts) {
    const row = make("div");
    const pressed = make("dd");
    pressed.append(...keys.map((key) => make("kbd", { textContent: key })));
    row.append(make("dt", { textContent: words }), pressed);
    list.append(row);
  }
  return list;
}
