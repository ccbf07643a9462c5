/** What shops want of a picture: a canvas with the cut-out placed on it, a shadow, an outline; as fields of `/cut`. */

import { find } from "../elements.js";
import { fill, t } from "../words/translate.js";
import { Colour, colour } from "./colour.js";
import { radio, range } from "./controls.js";

/** @typedef {import("../server/photos.js").Fields} Fields */

const CANVASES = ["", "1:1", "4:5", "16:9", "1600x1600", "2000x2000", "2048x2048", "own"];
const PLACES = ["center", "50% 0%", "50% 100%", "0% 50%", "100% 50%"];
const OWN_PLACE = "own"; // where it was moved by hand
const MOST_SIDE = 5000; // px: both sides as long make the largest picture that the server makes
const LISTING_ROOM = "6"; // percent: marketplaces ask that the thing fills 80 to 90 % of the picture
const FIRST_COLOUR = "#ffffff";
const HALF = 180; // degrees
const FINEST = 10; // steps per degree

const choice = (/** @type {string} */ name, /** @type {string[]} */ values) =>
  `<div class="look-row">
    <label for="look-${name}" data-text="options.${name}"></label>
    <select class="look-number" id="look-${name}">
      ${values.map((value) => `<option value="${value}" data-text="options.${name}.${value || "none"}"></option>`).join("")}
    </select>
  </div>`;

const DEGREES = `
  <div class="look-range" data-part="turn">
    <label for="look-rotate" data-text="options.rotate"></label>
    <span class="look-degrees">
      <input type="number" class="look-number" id="look-rotate" min="${-HALF}" max="${HALF}" step="${1 / FINEST}"><span aria-hidden="true">°</span>
      <button type="button" class="button quiet small" data-part="upright" data-text-aria-label="options.upright">0°</button>
    </span>
    <input type="range" id="look-rotate-slider" min="${-HALF}" max="${HALF}" data-text-aria-label="options.rotate">
  </div>`;

const side = (/** @type {string} */ name) =>
  `<input type="number" class="look-number" id="look-${name}" min="1" max="${MOST_SIDE}" step="1" inputmode="numeric"
    data-text-aria-label="options.${name}">`;

const MARKUP = `
  <summary><span data-text="options.shop"></span><span class="hint" data-part="shop-changed"></span></summary>
  <div class="look-rest">
    <button type="button" class="button quiet" data-part="listing" data-text="options.listing"></button>
    ${choice("canvas", CANVASES)}
    <div class="look-row" data-part="own-canvas">${side("canvas-width")}<span aria-hidden="true">×</span>${side("canvas-height")}</div>
    <p class="hint" data-part="canvas-hint" data-text="options.canvas-hint"></p>
    <div class="look-rest step" data-part="on-canvas">
      ${range("room", 25)}
      ${range("scale", 100, 10)}
      ${choice("position", [...PLACES, OWN_PLACE])}
      <input type="hidden" id="look-own-position">
      <p class="hint" data-text="options.position-hint"></p>
    </div>
    ${DEGREES}
    <fieldset class="step">
      <legend data-text="options.shadow"></legend>
      <div class="segments">${["no-shadow", "drop", "contact"].map((value) => radio("shadow", value)).join("")}</div>
    </fieldset>
    ${range("outline", 40)}
    <div data-part="outline-row">${colour("outline-colour", "options.outline-colour")}</div>
  </div>`;

export class Shop {
  #root;
  #outline;

  /** @param {HTMLElement} container an empty `details`, which gets the controls; it tells of changes by their events */
  constructor(container) {
    this.#root = container;
    container.innerHTML = MARKUP;
    fill(container);
    this.#outline = new Colour(this.#part("outline-row"), "outline-colour");
    const [exact, slider] = ["rotate", "rotate-slider"].map((name) => this.#control(name));
    exact.addEventListener("input", () => this.#set("rotate-slider", exact.value));
    slider.addEventListener("input", () => this.#set("rotate", slider.value));
    const upright = () => {
      this.#turn(0);
      exact.dispatchEvent(new Event("change", { bubbles: true }));
    };
    slider.addEventListener("dblclick", upright);
    this.#part("upright").addEventListener("click", upright);
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
      if (this.#position !== PLACES[0]) values.position = this.#position;
    }
    if (this.#degrees && !blurred) values.rotate = this.#degrees;
    if (parted) return values;
    if (this.#shadow !== "no-shadow") values.shadow = this.#shadow;
    if (this.#number("outline")) values.outline = `${this.#number("outline")} ${this.#outline.value}`;
    return values;
  }

  /** Where on the canvas. @param {string} position `x% y%` */
  set position(position) {
    this.#set("position", OWN_PLACE);
    this.#set("own-position", position);
  }

  /** Set what most shops ask for: a square with some room around the thing, and a shadow. It stays turned as it is. */
  list() {
    const degrees = this.#degrees;
    this.clear();
    this.#turn(degrees);
    this.#set("canvas", "1:1");
    this.#set("room", LISTING_ROOM);
    find(this.#root, "[value=drop]", HTMLInputElement).checked = true;
  }

  /** Set everything to the server's defaults. */
  clear() {
    for (const name of ["canvas", "canvas-width", "canvas-height"]) this.#set(name, "");
    for (const name of ["room", "outline"]) this.#set(name, "0");
    this.#set("scale", "100");
    this.#set("position", PLACES[0]);
    this.#set("own-position", "50% 50%");
    this.#turn(0);
    this.#outline.value = FIRST_COLOUR;
    find(this.#root, "[value=no-shadow]", HTMLInputElement).checked = true;
  }

  /** Show what can be chosen now. @param {{blurred: boolean, parted: boolean}} besides as for `values` */
  draw(besides) {
    const changes = Object.keys(this.values(besides)).length;
    this.#part("shop-changed").textContent = changes ? t("options.changed", { count: changes }) : "";
    this.#part("own-canvas").hidden = this.#value("canvas") !== "own";
    this.#part("canvas-hint").hidden = !(besides.blurred && (this.#value("canvas") || this.#degrees));
    this.#part("turn").hidden = besides.blurred;
    this.#part("on-canvas").hidden = !this.#value("canvas") || besides.blurred;
    this.#part("outline-row").hidden = !this.#number("outline");
    this.#outline.draw();
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

  get #position() {
    return this.#value("position") === OWN_PLACE ? this.#value("own-position") : this.#value("position");
  }

  /** Degrees clockwise, in tenths, as far as they are told. */
  get #degrees() {
    return Math.round(Math.min(Math.max(this.#number("rotate"), -HALF), HALF) * FINEST) / FINEST;
  }

  /** @param {number} degrees */
  #turn(degrees) {
    for (const name of ["rotate", "rotate-slider"]) this.#set(name, String(degrees));
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
