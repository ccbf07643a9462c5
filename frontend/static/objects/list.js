/**
 * The objects of a photo in a row of buttons beside it: what they are called, and which of them are taken. For those
 * that are small on the photo, and while the cut-out is shown in its place.
 */

import { make } from "../elements.js";
import { localName, t } from "../words/translate.js";

export class ObjectsList {
  /** @type {(taken: Set<number>) => void} called with ids when a person takes or leaves an object */
  onchange = () => {};

  #row;
  /** @type {Map<number, HTMLElement>} by id */
  #buttons = new Map();
  /** @type {Set<number>} */
  #taken = new Set();

  /** @param {HTMLElement} row an empty list */
  constructor(row) {
    this.#row = row;
  }

  /** @param {import("../server/photos.js").DetectedObject[]} objects best score first; without any the row is empty */
  show(objects) {
    this.#buttons.clear();
    const main = objects.length > 1 ? [this.#button(t("objects.main"), () => new Set([largest(objects).id]))] : [];
    for (const { id, label } of objects) {
      const button = this.#button(localName(label), () => toggled(this.#taken, id));
      this.#buttons.set(id, button);
    }
    this.#row.replaceChildren(...[...main, ...this.#buttons.values()].map(item));
    this.taken = new Set();
  }

  /** @param {Set<number>} ids */
  set taken(ids) {
    this.#taken = ids;
    for (const [id, button] of this.#buttons) button.ariaPressed = String(ids.has(id));
  }

  /** @param {string} text @param {() => Set<number>} choose gives what is taken after a click */
  #button(text, choose) {
    const button = make("button", { type: "button", className: "button quiet listed-object", textContent: text });
    button.addEventListener("click", () => this.onchange(choose()));
    return button;
  }
}

/** @param {HTMLElement} button */
function item(button) {
  const place = make("li");
  place.append(button);
  return place;
}

/** @param {import("../server/photos.js").DetectedObject[]} objects */
function largest(objects) {
  return objects.reduce((one, other) => (other.area > one.area ? other : one));
}

/** @param {Set<number>} ids @param {number} id @returns {Set<number>} a copy */
function toggled(ids, id) {
  const copy = new Set(ids);
  if (!copy.delete(id)) copy.add(id);
  return copy;
}
