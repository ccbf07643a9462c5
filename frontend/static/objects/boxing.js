/**
 * A box that is drawn on the photo around something that has no name, or was not found: with the mouse, a finger or the
 * keys. Does not know what is made of it.
 */

import { make } from "../elements.js";
import { t } from "../words/translate.js";

const LEAST = 0.01; // of either side: what is smaller was a click and no box
const FIRST = [0.25, 0.25, 0.75, 0.75]; // for the keys
const STEP = 0.02; // of either side, a press of a key
const FINE_STEP = 0.005;

/** @type {Record<string, [axis: number, direction: number]>} by key */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] };

export class Boxing {
  /** @type {(box: number[]) => void} called with x0, y0, x1, y1, shares of the photo's sides, when one is drawn */
  ondrawn = () => {};

  #layer;
  #button;
  #field = make("div", { className: "boxing", tabIndex: 0, hidden: true });
  #frame = make("div", { className: "boxing-frame" });
  #told = make("p", { className: "visually-hidden", ariaLive: "polite" });
  /** @type {number[]} shares of the sides */
  #box = FIRST;
  /** @type {number[] | null} where the pointer went down */
  #start = null;

  /**
   * @param {HTMLElement} layer lies on the photo, hidden while there is none
   * @param {HTMLElement} button takes the tool up, and puts it away again
   */
  constructor(layer, button) {
    this.#layer = layer;
    this.#button = button;
    this.#field.setAttribute("role", "application"); // it has keys of its own
    this.#field.setAttribute("aria-label", t("boxing.label"));
    this.#field.append(this.#frame, make("p", { className: "boxing-hint", textContent: t("boxing.hint") }), this.#told);
    layer.append(this.#field);
    button.addEventListener("click", () => {
      this.active = !this.active && !layer.hidden;
    });
    this.#field.addEventListener("pointerdown", (event) => this.#down(event));
    this.#field.addEventListener("pointermove", (event) => this.#move(event));
    this.#field.addEventListener("pointerup", () => this.#up());
    this.#field.addEventListener("pointercancel", () => this.#put(FIRST));
    this.#field.addEventListener("keydown", (event) => this.#key(event));
  }

  get active() {
    return !this.#field.hidden;
  }

  set active(active) {
    if (active === this.active) return;
    this.#field.hidden = !active;
    this.#layer.toggleAttribute("data-boxing", active);
    this.#button.ariaPressed = String(active);
    this.#put(FIRST);
    if (active) this.#field.focus({ preventScroll: true });
    else this.#button.focus({ preventScroll: true });
  }

  /** Put the tool away, and leave the focus where it is. */
  close() {
    this.#field.hidden = true;
    this.#layer.removeAttribute("data-boxing");
    this.#button.ariaPressed = "false";
    this.#put(FIRST);
  }

  /** @param {number[]} box */
  #put(box) {
    this.#start = null;
    this.#show(box);
    this.#field.removeAttribute("data-drawn");
  }

  /** @param {number[]} box */
  #show(box) {
    this.#box = box;
    const [left, top, right, bottom] = box.map((share) => `${100 * share}%`);
    Object.assign(this.#frame.style, {
      left,
      top,
      width: `calc(${right} - ${left})`,
      height: `calc(${bottom} - ${top})`,
    });
    this.#field.setAttribute("data-drawn", "");
  }

  /** Where an event is, shares of the sides. @param {PointerEvent} event */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#field.getBoundingClientRect();
    return [within((clientX - left) / width), within((clientY - top) / height)];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button) return;
    event.preventDefault(); // no text is selected
    this.#field.focus({ preventScroll: true });
    this.#field.setPointerCapture(event.pointerId);
    this.#start = this.#place(event);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.#start) return;
    const [[x0, y0], [x1, y1]] = [this.#start, this.#place(event)];
    this.#show([Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)]);
  }

  #up() {
    if (!this.#start) return;
    this.#start = null;
    const [x0, y0, x1, y1] = this.#box;
    if (this.#field.hasAttribute("data-drawn") && Math.min(x1 - x0, y1 - y0) >= LEAST) this.#finish();
    else this.#put(FIRST);
  }

  #finish() {
    const box = this.#box;
    this.active = false;
    this.ondrawn(box);
  }

  /** The arrow keys move the box, with Shift they change its size. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.active = false;
    else if (event.key === "Enter") this.#finish();
    else if (event.key in ARROWS) this.#step(event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  #step({ key, shiftKey, altKey }) {
    const [axis, direction] = ARROWS[key];
    const step = direction * (altKey ? FINE_STEP : STEP);
    const box = [...this.#box];
    if (shiftKey) box[axis + 2] = Math.max(within(box[axis + 2] + step), box[axis] + LEAST);
    else {
      const moved = Math.min(Math.max(step, -box[axis]), 1 - box[axis + 2]);
      box[axis] += moved;
      box[axis + 2] += moved;
    }
    this.#show(box);
    const [left, top, right, bottom] = box.map((share) => Math.round(100 * share));
    this.#told.textContent = t("boxing.place", { left, top, width: right - left, height: bottom - top });
  }
}

/** @param {number} share */
function within(share) {
  return Math.min(Math.max(share, 0), 1);
}
