/** What shops want of a picture: a canvas with the cut-out placed on it, a shadow, an outline; as fields of `/cut`. */

import { find } from "../elements.js";
import { fill, t } from "../words/translate.js";
import { radio, range } from "./controls.js";

/** @typedef {import("../server/photos.js").Fields} Fields */

const CANVASES = ["", "1:1", "4:5", "16:9", "1600x1600", "2000x2000", "own"];
const PLACES = ["center", "50% 0%", "50% 100%", "0% 50%", "100% 50%"];
const MOST_SIDE = 5000; // px: both sides as long make the largest picture that the server makes
const FIRST_COLOUR = "#ffffff";

const choice = (/** @type {string} */ name, /** @type {string[]} */ values) =>
  `<div class="look-row">
    <label for="look-${name}" data-text="options.${name}"></label>
    <select class="look-number" id="look-${name}">
      ${values.map((value) => `<option value="${value}" data-text="options.${name}.${value || "none"}"></option>`).join("")}
    </select>
  </div>`;

const side = (/** @type {string} */ name) =>
  `<input type="number" class="look-number" id="look-${name}" min="1" max="${MOST_SIDE}" step="1" inputmode="numeric"
    data-text-aria-label="options.${name}">`;

const MARKUP = `
  <summary><span data-text="options.shop"></span><span class="hint" data-part="shop-changed"></span></summary>
  <div class="look-rest">
    ${choice("canvas", CANVASES)}
    <div class="look-row" data-part="own-canvas">${side("canvas-width")}<span aria-hidden="true">×</span>${side("canvas-height")}</div>
    <p class="hint" data-part="canvas-hint" data-text="options.canvas-hint"></p>
    <div class="look-rest step" data-part="on-canvas">
      ${range("room", 25)}
      ${range("scale", 100, 10)}
      ${choice("position", PLACES)}
    </div>
    <fieldset class="step">
      <legend data-text="options.shadow"></legend>
      <div class="segments">${["no-shadow", "drop", "contact"].map((value) => radio("shadow", value)).join("")}</div>
    </fieldset>
    ${range("outline", 40)}
    <label class="look-row" data-part="outline-row">
      <input type="color" id="look-outline-colour"><span data-text="options.outline-colour"></span>
    </label>
  </div>`;

export class Shop {
  #root;

  /** @param {HTMLElement} container an empty `details`, which gets the controls; it tells of changes by their events */
  constructor(container) {
    this.#root = container;
    container.innerHTML = MARKUP;
    fill(container);
  }

  /**
   * The fields of `/cut` that differ from its defaults.
   * @param {{blurred: boolean, parted: boolean}} besides blurred: the background is the photo itself, out of focus, which
   *   cannot be moved; parted: the picture is saved as colours and transparency, with nothing drawn below
   * @returns {Fields}
   */
  values({ blurred, parted }) {
    /** @type {Fields} */
    const values = {};
    const canvas = this.#canvas;
    if (canvas && !blurred) {
      values.canvas = canvas;
      if (this.#number("room")) values.margin = `${this.#number("room")}%`;
      if (this.#number("scale") < 100) values.scale = `${this.#number("scale")}%`;
      if (this.#value("position") !== PLACES[0]) values.position = this.#value("position");
    }
    if (parted) return values;
    if (this.#shadow !== "no-shadow") values.shadow = this.#shadow;
    if (this.#number("outline")) values.outline = `${this.#number("outline")} ${this.#value("outline-colour")}`;
    return values;
  }

  /** Set everything to the server's defaults. */
  clear() {
    for (const name of ["canvas", "canvas-width", "canvas-height"]) this.#set(name, "");
    for (const name of ["room", "outline"]) this.#set(name, "0");
    this.#set("scale", "100");
    this.#set("position", PLACES[0]);
    this.#set("outline-colour", FIRST_COLOUR);
    find(this.#root, "[value=no-shadow]", HTMLInputElement).checked = true;
  }

  /** Show what can be chosen now. @param {{blurred: boolean, parted: boolean}} besides as for `values` */
  draw(besides) {
    const changes = Object.keys(this.values(besides)).length;
    this.#part("shop-changed").textContent = changes ? t("options.changed", { count: changes }) : "";
    this.#part("own-canvas").hidden = this.#value("canvas") !== "own";
    this.#part("canvas-hint").hidden = !(besides.blurred && this.#value("canvas"));
    this.#part("on-canvas").hidden = !this.#value("canvas") || besides.blurred;
    this.#part("outline-row").hidden = !this.#number("outline");
    for (const name of ["room", "scale"]) this.#tell(name, t("options.percent", { count: this.#number(name) }));
    this.#tell("outline", t("options.px", { count: this.#number("outline") }));
  }

  /** `W:H` or `WxH`; empty without one, or while its size is not known yet. */
  get #canvas() {
    const chosen = this.#value("canvas");
    if (chosen !== "own") return chosen;
    const sides = ["canvas-width", "canvas-height"].map((name) => Math.round(this.#number(name)));
    return sides.every((each) => each >= 1 && each <= MOST_SIDE) ? sides.join("x") : "";
  }

  get #shadow() {
    return find(this.#root, "[name=look-shadow]:checked", HTMLInputElement).value;
  }

  /** @param {string} name of a range @param {string} text */
  #tell(name, text) {
    this.#control(name).setAttribute("aria-valuetext", text);
    find(this.#root, `output[for=look-${name}]`, HTMLElement).textContent = text;
  }

  /** @param {string} name @param {string} value */
  #set(name, value) {
    this.#control(name).value = value;
  }

  /** @param {string} name */
  #number(name) {
    return Number(this.#value(name));
  }

  /** @param {string} name */
  #value(name) {
    return this.#control(name).value;
  }

  /** @param {string} name @returns {HTMLInputElement | HTMLSelectElement} */
  #control(name) {
    const control = this.#root.querySelector(`#look-${name}`);
    if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) return control;
    throw new TypeError(`no control is ${name}`);
  }

  /** @param {string} name */
  #part(name) {
    return find(this.#root, `[data-part=${name}]`, HTMLElement);
  }
}
