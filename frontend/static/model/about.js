/** What is known of a model, and the list of others to choose from. Loaded when somebody looks, or there are several. */

import { find, make } from "../elements.js";
import { chooseModel, modelFields } from "../server/address.js";
import { localName, t } from "../words/translate.js";
import "./setup.js";

/** @typedef {import("../server/api.js").Model} Model */

/**
 * Show what is known of a model, and which others there are.
 * @param {Element} place the part of the page for models
 * @param {Model} told
 * @param {() => void} again called when another one was chosen
 */
export function show(place, told, again) {
  const more = find(place, "details.about", HTMLDetailsElement);
  place.querySelector("label.choice")?.remove();
  if (told.models.length > 1) more.before(choice(told, again));
  more.querySelector("dl")?.remove();
  more.append(facts(told));
}

/** @param {Model} told @param {() => void} again */
function choice({ models }, again) {
  const select = make("select");
  for (const { name } of models) select.append(make("option", { value: name, textContent: name }));
  select.value = modelFields().model ?? models[0].name;
  select.addEventListener("change", () => {
    chooseModel(select.selectedIndex ? select.value : "");
    again();
  });
  const label = make("label", { className: "choice" });
  label.append(make("span", { textContent: t("models.choose") }), select);
  return label;
}

/** @param {Model} told */
function facts({ card, classes }) {
  const list = make("dl", { className: "facts" });
  for (const key of /** @type {const} */ (["trained_on", "licence"])) {
    const text = card[key];
    if (text) list.append(make("dt", { textContent: t(`models.${key}`) }), make("dd", { textContent: text }));
  }
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
  const names = make("dd", { className: "classes" });
  for (const name of classes) {
    const figures = card.cut_outs?.[name];
    const iou = figures ? ` ${number.format(figures.iou)}` : "";
    names.append(make("span", { textContent: localName(name) + iou }));
  }
  list.append(make("dt", { textContent: t("models.names") }), names);
  return list;
}
