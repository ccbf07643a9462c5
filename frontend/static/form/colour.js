/** A colour: some to choose from, any by its hex code or the browser's own dialogue, or one from the screen. */

import { find } from "../elements.js";
import { isAbort } from "../server/api.js";

/** @type {Record<string, string>} by name */
const PRESETS = {
  white: "#ffffff",
  black: "#000000",
  grey: "#f2f2f2",
  red: "#d93a32",
  yellow: "#ffc94d",
  green: "#3c8d5a",
  blue: "#2f7ed8",
};
const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;

/** @type {(new () => {open: () => Promise<{sRGBHex: string}>}) | undefined} some browsers have none */
const Dropper = Reflect.get(globalThis, "EyeDropper");

/**
 * The controls of a colour, in an element of their own.
 * @param {string} name
 * @param {string} label key of the words for it
 */
export function colour(name, label) {
  const presets = Object.entries(PRESETS).map(
    ([word, hex]) => `<button type="button" class="preset" value="${hex}" data-text-aria-label="colour.${word}"
      data-text-title="colour.${word}"></button>`,
  );
  return `<div class="presets" role="group" data-text-aria-label="colour.presets">${presets.join("")}</div>
    <div class="look-row">
      <input type="color" id="look-${name}" data-text-aria-label="${label}" data-text-title="${label}">
      <input type="text" class="look-number hex" id="look-${name}-hex" size="8" maxlength="7" spellcheck="false"
        autocapitalize="none" autocomplete="off" data-text-aria-label="colour.hex">
      <button type="button" class="button quiet small" data-part="dropper" data-text="colour.dropper"
        ${Dropper ? "" : "hidden"}></button>
    </div>`;
}

/** Keeps these controls in step. The colour is the value of the `<input type="color">`, which tells of each change. */
export class Colour {
  #root;
  #input;
  #hex;

  /** @param {HTMLElement} root holds the controls, filled with words @param {string} name */
  constructor(root, name) {
    this.#root = root;
    this.#input = find(root, `#look-${name}`, HTMLInputElement);
    this.#hex = find(root, `#look-${name}-hex`, HTMLInputElement);
    this.#hex.addEventListener("input", (event) => event.stopPropagation()); // it would be written anew with each letter
    this.#hex.addEventListener("change", () => this.#typed());
    root.addEventListener("click", ({ target }) => {
      if (target instanceof HTMLButtonElement && target.classList.contains("preset")) this.#take(target.value);
    });
    find(root, "[data-part=dropper]", HTMLElement).addEventListener("click", () => this.#pick());
    for (const button of root.querySelectorAll("button.preset")) {
      if (button instanceof HTMLButtonElement) button.style.backgroundColor = button.value;
    }
  }

  get value() {
    return this.#input.value;
  }

  /** Without telling of it. @param {string} value `#rrggbb` */
  set value(value) {
    this.#input.value = value;
    this.draw();
  }

  /** Show the colour in every control. */
  draw() {
    this.#hex.value = this.value;
    for (const button of this.#root.querySelectorAll("button.preset")) {
      button.ariaPressed = String(button instanceof HTMLButtonElement && button.value === this.value);
    }
  }

  #typed() {
    const [, digits] = this.#hex.value.trim().match(HEX) ?? [];
    if (digits) this.#take(`#${digits.length === 3 ? digits.replace(/./g, "$&$&") : digits}`.toLowerCase());
    else this.draw(); // no colour: the code of the one that there is
  }

  async #pick() {
    if (!Dropper) return;
    try {
      this.#take((await new Dropper().open()).sRGBHex);
    } catch (error) {
      if (!isAbort(error)) throw error; // else the person left it
    }
  }

  /** @param {string} value */
  #take(value) {
    this.#input.value = value;
    for (const type of ["input", "change"]) this.#input.dispatchEvent(new Event(type, { bubbles: true }));
  }
}
