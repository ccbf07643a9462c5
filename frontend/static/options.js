/** How the cut-out shall look: the controls for it, and what they say in the fields of the server's `/cut`. */

import { showOnly } from "./show.js";
import { fill, t } from "./text.js";

const radio = (group, value, swatch = "") =>
  `<label><input type="radio" name="look-${group}" value="${value}" class="visually-hidden">
    <span>${swatch}<span data-text="options.${value}"></span></span></label>`;

const range = (name, most, least = 0) =>
  `<div class="look-range">
    <label for="look-${name}" data-text="options.${name}"></label><output for="look-${name}" aria-live="off"></output>
    <input type="range" id="look-${name}" min="${least}" max="${most}">
  </div>`;

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
      <label class="look-row" data-when="colour">
        <input type="color" data-part="colour"><span data-text="options.background-colour"></span>
        <output class="hint" data-part="colour-code" aria-live="off"></output>
      </label>
      <div data-when="blur">${range("radius", 100)}</div>
      <div class="look-row" data-when="picture">
        <input type="file" id="look-picture" class="visually-hidden" accept="image/*,.heic,.heif,.avif,.tif,.tiff">
        <label for="look-picture" class="button quiet small" data-part="choose"></label>
        <span class="hint look-file" data-part="picture-name"></span>
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
  <details class="look-more">
    <summary><span data-text="options.more"></span><span class="hint" data-part="changed"></span></summary>
    <div class="look-rest">
      <fieldset class="step">
        <legend data-text="options.edges"></legend>
        <div class="segments">${["smooth", "sharp", "raw"].map((edges) => radio("edges", edges)).join("")}</div>
        <p class="hint" data-part="edges-hint"></p>
      </fieldset>
      ${range("feather", 20)}
      ${range("grow", 20, -20)}
      <label class="look-check">
        <input type="checkbox" data-part="invert"><span data-text="options.invert"></span>
      </label>
      <button type="button" class="button quiet small" data-part="reset" data-text="options.reset"></button>
    </div>
  </details>`;

const DEFAULTS = { background: "transparent", format: "png", edges: "smooth" };
const FIRST_COLOUR = "#ffc94d";
const MOST_MARGIN = { "%": 100, "": 9999 };

export class Options {
  /** Called with `values` when the person changed what they say, once a control is let go of. */
  onchange = null;
  #root;
  #told;

  /** @param {HTMLElement} container an empty element, which gets the controls */
  constructor(container) {
    this.#root = container;
    container.classList.add("look");
    container.innerHTML = MARKUP;
    fill(container);
    this.reset();
    container.addEventListener("input", () => this.#draw());
    container.addEventListener("change", () => this.#changed());
    this.#part("reset").addEventListener("click", () => {
      this.#clear();
      container.querySelector("summary").focus(); // the button vanishes
      this.#changed();
    });
  }

  /** The fields of `/cut` that differ from its defaults, without the picture behind the cut-out. */
  get values() {
    const values = {};
    const background = this.#background();
    if (background !== DEFAULTS.background) values.background = background;
    if (this.#part("crop").checked) {
      values.crop = true;
      if (this.#margin() > 0) values.margin = `${this.#margin()}${this.#part("unit").value}`;
    }
    const format = this.#chosen("format");
    if (format === "zip") values.output = "both";
    else if (format !== DEFAULTS.format) values.format = format;
    return { ...values, ...this.#rest() };
  }

  /** The picture behind the cut-out. @returns {File | null} */
  get backdrop() {
    const wanted = this.#chosen("background") === "picture" && this.#chosen("format") !== "zip";
    return (wanted && this.#at("picture").files[0]) || null;
  }

  /** `values`, and the picture behind the cut-out where there is one. */
  get fields() {
    return this.backdrop ? { ...this.values, background_image: this.backdrop } : this.values;
  }

  /** Set everything to the server's defaults, without a call of `onchange`. */
  reset() {
    this.#clear();
    this.#told = this.#state();
  }

  #clear() {
    for (const [group, value] of Object.entries(DEFAULTS)) {
      this.#root.querySelector(`[name=look-${group}][value=${value}]`).checked = true;
    }
    for (const name of ["radius", "feather", "grow", "margin"]) this.#at(name).value = 0;
    for (const name of ["crop", "invert"]) this.#part(name).checked = false;
    this.#part("unit").value = "%";
    this.#part("colour").value = FIRST_COLOUR;
    this.#at("picture").value = "";
    this.#draw();
  }

  #changed() {
    this.#draw();
    const state = this.#state();
    // A colour that is not the background, or a picture still to be chosen, changes nothing.
    if (state.fields === this.#told.fields && state.backdrop === this.#told.backdrop) return;
    this.#told = state;
    this.onchange?.(this.values);
  }

  #state() {
    return { fields: JSON.stringify(this.values), backdrop: this.backdrop };
  }

  #background() {
    if (this.#chosen("format") === "zip") return DEFAULTS.background; // the server refuses both together
    const radius = this.#number("radius");
    return {
      transparent: "transparent",
      white: "white",
      colour: this.#part("colour").value,
      blur: radius ? `blur:${radius}` : "blur", // without a radius it follows the photo's size
      picture: "transparent", // the picture is a field of its own
    }[this.#chosen("background")];
  }

  /** What the folded part says. */
  #rest() {
    const rest = {};
    if (this.#chosen("edges") !== DEFAULTS.edges) rest.edges = this.#chosen("edges");
    for (const name of ["feather", "grow"]) if (this.#number(name)) rest[name] = this.#number(name);
    if (this.#part("invert").checked) rest.invert = true;
    return rest;
  }

  #draw() {
    const background = this.#chosen("background");
    const format = this.#chosen("format");
    const picture = this.#at("picture").files[0];
    const changes = Object.keys(this.#rest()).length;
    showOnly(this.#part("background-detail"), background);
    this.#part("background-detail").hidden = ["transparent", "white"].includes(background);
    this.#part("background").disabled = format === "zip";
    this.#part("swatch").style.backgroundColor = this.#part("colour").value;
    this.#part("colour-code").textContent = this.#part("colour").value;
    this.#part("choose").textContent = t(picture ? "options.choose-another" : "options.choose");
    this.#part("picture-name").textContent = picture?.name ?? t("options.picture-hint");
    this.#part("margin-row").hidden = !this.#part("crop").checked;
    this.#at("margin").max = MOST_MARGIN[this.#part("unit").value];
    this.#write("format-hint", this.#formatHint(format));
    this.#write("edges-hint", t(`options.${this.#chosen("edges")}-hint`));
    this.#write("changed", changes ? t("options.changed", { count: changes }) : "");
    this.#part("reset").hidden = !Object.keys(this.values).length && !this.backdrop;
    this.#tellRange("radius", this.#number("radius") ? this.#px("radius") : t("options.automatic"));
    this.#tellRange("feather", this.#px("feather"));
    this.#tellRange("grow", this.#px("grow"));
  }

  #formatHint(format) {
    if (format === "zip") return t("options.zip-hint");
    const clear = this.#background() === "transparent" && !this.backdrop;
    return format === "jpeg" && clear ? t("options.jpeg-hint") : "";
  }

  #px(name) {
    const value = this.#number(name);
    return `${name === "grow" && value > 0 ? "+" : ""}${t("options.px", { count: value })}`;
  }

  #tellRange(name, text) {
    this.#at(name).setAttribute("aria-valuetext", text);
    this.#root.querySelector(`output[for=look-${name}]`).textContent = text;
  }

  #write(part, text) {
    this.#part(part).textContent = text;
    this.#part(part).hidden = !text;
  }

  #margin() {
    return Math.min(Math.max(Math.round(this.#number("margin") || 0), 0), MOST_MARGIN[this.#part("unit").value]);
  }

  #chosen(group) {
    return this.#root.querySelector(`[name=look-${group}]:checked`).value;
  }

  #number(name) {
    return this.#at(name).valueAsNumber;
  }

  #at(name) {
    return this.#root.querySelector(`#look-${name}`);
  }

  #part(name) {
    return this.#root.querySelector(`[data-part=${name}]`);
  }
}
