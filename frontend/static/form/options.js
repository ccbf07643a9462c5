/** How the cut-out looks: the controls for it, and their values as fields of the server's `/cut`. */

import { CENTRED } from "../compose/behind.js";
import { find, showOnly } from "../elements.js";
import { PATTERN } from "../files/naming.js";
import { fill, t } from "../words/translate.js";
import { Colour, colour } from "./colour.js";
import { radio, range } from "./controls.js";
import { Shop } from "./shop.js";

/**
 * @typedef {import("../server/photos.js").Fields} Fields
 * @typedef {{states: Record<string, string | boolean>, picture: File | null}} Settings
 */

const MARKUP = `
  <fieldset class="step" data-part="background">
    <legend data-text="options.background"></legend>
    <div class="segments look-tiles">
      ${radio("background", "transparent", '<i class="swatch checker"></i>')}
      ${radio("background", "white", '<i class="swatch white"></i>')}
      ${radio("background", "colour", '<i class="swatch" data-part="swatch"></i>')}
      ${radio("background", "blur", '<i class="swatch look-blur"></i>')}
      ${radio("background", "picture", '<i class="swatch look-picture"></i>')}
    </div>
    <div data-part="background-detail">
      <div data-when="colour" data-part="colour">${colour("colour", "options.background-colour")}</div>
      <div data-when="blur">${range("radius", 100)}</div>
      <div class="look-row" data-when="picture">
        <input type="file" id="look-picture" class="visually-hidden" accept="image/*,.heic,.heif,.avif,.tif,.tiff">
        <label for="look-picture" class="button quiet small" data-part="choose"></label>
        <span class="hint look-file" data-part="picture-name"></span>
        <div class="look-place" data-part="picture-place">
          ${range("picture-across", 100)}
          ${range("picture-down", 100)}
          <p class="hint" data-text="options.picture-drag"></p>
          <p class="hint" data-part="picture-moved" data-text="options.picture-moved"></p>
        </div>
      </div>
    </div>
  </fieldset>
  <div class="look-row look-crop">
    <label class="look-check"><input type="checkbox" data-part="crop"><span data-text="options.crop"></span></label>
    <span class="look-margin" data-part="margin-row">
      <label for="look-margin" data-text="options.margin"></label>
      <input type="number" class="look-number" id="look-margin" min="0" step="1" inputmode="numeric">
      <select class="look-number" data-part="unit" data-text-aria-label="options.unit">
        <option value="%">%</option><option value="">px</option>
      </select>
    </span>
  </div>
  <fieldset class="step">
    <legend data-text="options.format"></legend>
    <div class="segments">
      ${["png", "webp", "jpeg", "zip"].map((format) => radio("format", format)).join("")}
    </div>
    <p class="hint" data-part="format-hint"></p>
  </fieldset>
  <details class="look-more" data-part="shop"></details>
  <details class="look-more" data-part="more">
    <summary><span data-text="options.more"></span><span class="hint" data-part="changed"></span></summary>
    <div class="look-rest">
      <fieldset class="step">
        <legend data-text="options.edges"></legend>
        <div class="segments">${["smooth", "sharp", "raw"].map((edges) => radio("edges", edges)).join("")}</div>
        <p class="hint" data-part="edges-hint"></p>
      </fieldset>
      ${range("feather", 20)}
      ${range("grow", 20, -20)}
      ${range("score", 95, 5)}
      <label class="look-check">
        <input type="checkbox" data-part="invert"><span data-text="options.invert"></span>
      </label>
      <div class="look-names">
        <label for="look-pattern" data-text="options.pattern"></label>
        <input type="text" id="look-pattern" class="look-number" maxlength="100" spellcheck="false" autocapitalize="none"
          autocomplete="off" aria-describedby="look-pattern-hint">
        <p class="hint" id="look-pattern-hint" data-part="pattern-hint"></p>
      </div>
      <button type="button" class="button quiet small" data-part="reset" data-text="options.reset"></button>
    </div>
  </details>`;

const KEPT_AS = "objectcut-options"; // in the browser's storage: the controls' values, and never a picture
const DEFAULTS = { background: "transparent", format: "png", edges: "smooth" };
const SLIDERS = ["picture-across", "picture-down"]; // of the picture behind the cut-out
const FIRST_SCORE = 50; // percent
const FIRST_COLOUR = "#ffc94d";
/** @type {Record<string, number>} by unit; without one it is px */
const MOST_MARGIN = { "%": 100, "": 9999 };

export class Options {
  /** @type {(values: Fields) => void} called when the person changed them, once a control is released */
  onchange = () => {};
  #root;
  #shop;
  #colour;
  /** @type {{fields: string, backdrop: File | null}} the latest that `onchange` was called for, or the defaults */
  #told = { fields: "", backdrop: null };

  /** @param {HTMLElement} container an empty element, which gets the controls */
  constructor(container) {
    this.#root = container;
    container.classList.add("look");
    container.innerHTML = MARKUP;
    fill(container);
    this.#colour = new Colour(this.#part("colour"), "colour");
    const parts = { name: "{name}", object: "{object}", number: "{number}" };
    this.#part("pattern-hint").textContent = t("options.pattern-hint", parts);
    for (const name of SLIDERS) this.#input(name).step = "any"; // it is dragged in between as well
    this.#shop = new Shop(this.#part("shop"));
    this.reset();
    this.#recall();
    container.addEventListener("input", () => this.#draw());
    container.addEventListener("change", () => this.#changed());
    this.#part("listing").addEventListener("click", () => {
      this.#shop.list();
      this.#choose({ background: "white", format: "jpeg" });
      this.#checkbox("crop").checked = false;
      this.#changed();
    });
    this.#part("reset").addEventListener("click", () => {
      this.#clear();
      find(this.#part("more"), "summary", HTMLElement).focus(); // the button vanishes
      this.#changed();
    });
  }

  /** The fields of `/cut` that differ from its defaults, without the picture behind the cut-out. */
  get values() {
    /** @type {Fields} */
    const values = {};
    const shop = this.#shop.values(this.#besides);
    const background = this.#background();
    if (background !== DEFAULTS.background) values.background = background;
    if (this.#checkbox("crop").checked && !shop.canvas) {
      values.crop = true;
      if (this.#margin() > 0) values.margin = `${this.#margin()}${this.#unit.value}`;
    }
    if (this.backdrop && this.#backdropPosition !== CENTRED) values.backdrop_position = this.#backdropPosition;
    const format = this.#chosen("format");
    if (format === "zip") values.output = "both";
    else if (format !== DEFAULTS.format) values.format = format;
    return { ...values, ...shop, ...this.#rest() };
  }

  /** The picture behind the cut-out. @returns {File | null} */
  get backdrop() {
    const wanted = this.#chosen("background") === "picture" && this.#chosen("format") !== "zip";
    return wanted ? this.#picture : null;
  }

  /** `values`, and the picture behind the cut-out where there is one. */
  get fields() {
    return this.backdrop ? { ...this.values, background_image: this.backdrop } : this.values;
  }

  /** What files are called. */
  get pattern() {
    return this.#input("pattern").value.trim() || PATTERN;
  }

  /** Place the cut-out on its canvas, or the picture behind it. @param {import("../compose/fields.js").Position} moved */
  place({ position, backdrop_position: backdrop }) {
    if (position) this.#shop.position = position;
    if (backdrop) this.#backdropPosition = backdrop;
    this.#changed();
  }

  /** Set everything to the server's defaults, without a call of `onchange`. */
  reset() {
    this.#clear();
    this.#told = this.#state();
  }

  /** What rules out some of what shops want. */
  get #besides() {
    return { blurred: this.#background().startsWith("blur"), parted: this.#chosen("format") === "zip" };
  }

  #clear() {
    this.#shop.clear();
    this.#choose(DEFAULTS);
    for (const name of ["radius", "feather", "grow", "margin"]) this.#input(name).value = "0";
    this.#input("score").value = String(FIRST_SCORE);
    for (const name of ["crop", "invert"]) this.#checkbox(name).checked = false;
    this.#unit.value = "%";
    this.#colour.value = FIRST_COLOUR;
    this.#input("picture").value = "";
    this.#backdropPosition = CENTRED;
    this.#input("pattern").value = PATTERN;
    this.#draw();
  }

  #changed() {
    this.#draw();
    this.#keep();
    const state = this.#state();
    // A colour that is not the background, a picture still to be chosen or a name changes no picture.
    if (state.fields === this.#told.fields && state.backdrop === this.#told.backdrop) return;
    this.#told = state;
    this.onchange(this.values);
  }

  get #controls() {
    /** @type {NodeListOf<HTMLInputElement>} of the `<select>` no more than the value is used */
    const all = this.#root.querySelectorAll("input:not([type=file]), select");
    return [...all];
  }

  /** What is set, by control, and the picture behind the cut-out. @returns {Settings} */
  get settings() {
    const set = this.#controls.filter((control) => !isRadio(control) || control.checked);
    return {
      states: Object.fromEntries(set.map((control) => [keyOf(control), stateOf(control)])),
      picture: this.#picture,
    };
  }

  /** Does not call `onchange`. */
  set settings({ states, picture }) {
    if (picture !== this.#picture) {
      const files = new DataTransfer();
      if (picture) files.items.add(picture);
      this.#input("picture").files = files.files;
    }
    this.#set(states);
    this.#keep();
  }

  /** Keep what is set for the next visit. */
  #keep() {
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify(this.settings.states));
    } catch {
      // Some browsers keep nothing: each visit begins with the defaults.
    }
  }

  /** Set what was kept, without a call of `onchange`. */
  #recall() {
    /** @type {Record<string, unknown>} */
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}");
    } catch {
      // As above, or somebody wrote something else there.
    }
    if (kept["look-background"] === "picture") delete kept["look-background"]; // it is not kept
    this.#set(kept);
  }

  /** Set controls, without a call of `onchange`. @param {Record<string, unknown>} states by control */
  #set(states) {
    for (const control of this.#controls) {
      const state = states[keyOf(control)];
      if (isRadio(control)) control.checked = state === undefined ? control.checked : state === control.value;
      else if (control.type === "checkbox") control.checked = state === true;
      else if (typeof state === "string") control.value = state;
    }
    this.#draw();
    this.#told = this.#state();
  }

  #state() {
    return { fields: JSON.stringify(this.values), backdrop: this.backdrop };
  }

  #background() {
    if (this.#chosen("format") === "zip") return DEFAULTS.background; // the server refuses both together
    const radius = this.#number("radius");
    switch (this.#chosen("background")) {
      case "white":
        return "white";
      case "colour":
        return this.#colour.value;
      case "blur":
        return radius ? `blur:${radius}` : "blur"; // without a radius it follows the photo's size
      default:
        return DEFAULTS.background; // a picture is a field of its own
    }
  }

  /** Which part of the picture behind the cut-out is seen: `x% y%`. */
  get #backdropPosition() {
    return SLIDERS.map((name) => `${this.#share(name)}%`).join(" ");
  }

  set #backdropPosition(position) {
    for (const [axis, share] of position.split(" ").entries()) {
      this.#input(SLIDERS[axis]).value = String(Number.parseFloat(share));
    }
  }

  /** Return percent, in tenths. @param {string} name */
  #share(name) {
    return Math.round(this.#number(name) * 10) / 10;
  }

  /** The fields of the folded part. */
  #rest() {
    /** @type {Fields} */
    const rest = {};
    if (this.#chosen("edges") !== DEFAULTS.edges) rest.edges = this.#chosen("edges");
    for (const name of ["feather", "grow"]) if (this.#number(name)) rest[name] = this.#number(name);
    if (this.#number("score") !== FIRST_SCORE) rest.min_score = this.#number("score") / 100;
    if (this.#checkbox("invert").checked) rest.invert = true;
    return rest;
  }

  #draw() {
    const background = this.#chosen("background");
    const format = this.#chosen("format");
    const picture = this.#picture;
    const changes = Object.keys(this.#rest()).length;
    this.#shop.draw(this.#besides);
    showOnly(this.#part("background-detail"), background);
    this.#part("background-detail").hidden = ["transparent", "white"].includes(background);
    this.#part("background").toggleAttribute("disabled", format === "zip");
    this.#part("swatch").style.backgroundColor = this.#colour.value;
    this.#colour.draw();
    this.#part("choose").textContent = t(picture ? "options.choose-another" : "options.choose");
    this.#part("picture-name").textContent = picture?.name ?? t("options.picture-hint");
    this.#part("margin-row").hidden = !this.#checkbox("crop").checked;
    this.#input("margin").max = String(this.#mostMargin);
    this.#write("format-hint", this.#formatHint(format));
    this.#write("edges-hint", t(`options.${this.#chosen("edges")}-hint`));
    this.#write("changed", changes ? t("options.changed", { count: changes }) : "");
    this.#part("reset").hidden = !Object.keys(this.values).length && !this.backdrop && this.pattern === PATTERN;
    this.#tellRange("radius", this.#number("radius") ? this.#px("radius") : t("options.automatic"));
    this.#part("picture-place").hidden = !picture;
    this.#part("picture-moved").hidden = this.#backdropPosition === CENTRED;
    for (const name of SLIDERS) this.#tellRange(name, t("options.percent", { count: this.#share(name) }));
    this.#tellRange("feather", this.#px("feather"));
    this.#tellRange("grow", this.#px("grow"));
    this.#tellRange("score", t("options.percent", { count: this.#number("score") }));
  }

  /** @param {string} format */
  #formatHint(format) {
    if (format === "zip") return t("options.zip-hint");
    const clear = this.#background() === "transparent" && !this.backdrop;
    return format === "jpeg" && clear ? t("options.jpeg-hint") : "";
  }

  /** @param {string} name of a range */
  #px(name) {
    const value = this.#number(name);
    return `${name === "grow" && value > 0 ? "+" : ""}${t("options.px", { count: value })}`;
  }

  /** @param {string} name @param {string} text */
  #tellRange(name, text) {
    this.#input(name).setAttribute("aria-valuetext", text);
    find(this.#root, `output[for=look-${name}]`, HTMLElement).textContent = text;
  }

  /** @param {string} part hidden without text @param {string} text */
  #write(part, text) {
    this.#part(part).textContent = text;
    this.#part(part).hidden = !text;
  }

  #margin() {
    return Math.min(Math.max(Math.round(this.#number("margin") || 0), 0), this.#mostMargin);
  }

  get #mostMargin() {
    return MOST_MARGIN[this.#unit.value];
  }

  get #picture() {
    return this.#input("picture").files?.[0] ?? null;
  }

  get #unit() {
    return find(this.#root, "[data-part=unit]", HTMLSelectElement);
  }

  /** @param {Record<string, string>} values by group */
  #choose(values) {
    for (const [group, value] of Object.entries(values)) {
      find(this.#root, `[name=look-${group}][value=${value}]`, HTMLInputElement).checked = true;
    }
  }

  /** @param {string} group */
  #chosen(group) {
    return find(this.#root, `[name=look-${group}]:checked`, HTMLInputElement).value;
  }

  /** @param {string} name */
  #number(name) {
    return this.#input(name).valueAsNumber;
  }

  /** @param {string} name */
  #input(name) {
    return find(this.#root, `#look-${name}`, HTMLInputElement);
  }

  /** @param {string} name */
  #checkbox(name) {
    return find(this.#root, `[data-part=${name}]`, HTMLInputElement);
  }

  /** @param {string} name */
  #part(name) {
    return find(this.#root, `[data-part=${name}]`, HTMLElement);
  }
}

/** @param {HTMLInputElement} control */
function isRadio(control) {
  return control.type === "radio";
}

/** Name a control, or the group of a radio button, in what is kept. @param {HTMLInputElement} control */
function keyOf(control) {
  return control.name || control.id || (control.dataset.part ?? "");
}

/** @param {HTMLInputElement} control */
function stateOf(control) {
  return control.type === "checkbox" ? control.checked : control.value;
}
