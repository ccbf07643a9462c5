/** The divider between photo and cut-out: a line that is dragged or moved by keys, with a name for either side. */

import { make } from "../elements.js";
import { t } from "../words/translate.js";

/** @type {Record<string, number>} % of the visible picture, by key */
const STEPS = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10 };
const TAG_ROOM = 96; // px a side must have for its name

/**
 * @typedef {object} Drawn
 * @property {boolean} shown whether the picture is divided
 * @property {import("./placement.js").View} view
 * @property {HTMLElement | null} before the photo's element, if any
 * @property {HTMLElement} after the cut-out's element
 */

export class Divider {
  /** Called when a person has moved the line. */
  onmove = () => {};

  #port;
  #placement;
  #line = make("div", { className: "viewer-divider", tabIndex: 0, role: "slider" });
  #tags = [make("span", { className: "viewer-tag" }), make("span", { className: "viewer-tag" })];
  #share = 0.5; // of the visible picture that shows the photo

  /**
   * @param {HTMLElement} port gets the line and the names
   * @param {import("./placement.js").Placement} placement
   */
  constructor(port, placement) {
    this.#port = port;
    this.#placement = placement;
    this.#tags[0].textContent = t("cutout.photo");
    this.#tags[1].textContent = t("cutout.picture");
    for (const tag of this.#tags) tag.ariaHidden = "true";
    this.#line.ariaLabel = t("cutout.divider");
    this.#line.ariaValueMin = "0";
    this.#line.ariaValueMax = "100";
    port.append(...this.#tags, this.#line);
    this.#line.addEventListener("pointerdown", ({ button, pointerId }) => {
      if (button === 0) this.#line.setPointerCapture(pointerId);
    });
    this.#line.addEventListener("pointermove", (event) => {
      if (this.#line.hasPointerCapture(event.pointerId)) this.#follow(event);
    });
    this.#line.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Whether an event at this place is the divider's own. @param {EventTarget | null} target */
  owns(target) {
    return target instanceof Node && this.#line.contains(target);
  }

  /** Put the line where it belongs, and clip the photo and the cut-out at it. @param {Drawn} drawn */
  draw({ shown, view, before, after }) {
    const [left, right] = this.#placement.span(view);
    const photoOnRight = this.#rightToLeft;
    const line = left + (right - left) * (photoOnRight ? 1 - this.#share : this.#share);
    const percent = Math.round(this.#share * 100);
    this.#line.hidden = !shown;
    this.#line.style.left = `${line}px`;
    this.#line.ariaValueNow = String(percent);
    this.#line.ariaValueText = t("cutout.divider.value", { photo: percent, cutout: 100 - percent });
    const cut = (line - view.x) / view.scale;
    const leftSide = shown ? `inset(0 ${this.#placement.picture.width - cut}px 0 0)` : "";
    const rightSide = shown ? `inset(0 0 0 ${cut}px)` : "";
    after.style.clipPath = photoOnRight ? leftSide : rightSide;
    if (before) before.style.clipPath = photoOnRight ? rightSide : leftSide;
    const rooms = [line - left, right - line];
    if (photoOnRight) rooms.reverse();
    for (const [index, tag] of this.#tags.entries()) tag.hidden = !shown || rooms[index] < TAG_ROOM;
  }

  /** The photo lies on the side where reading begins. */
  get #rightToLeft() {
    return this.#port.matches(":dir(rtl)");
  }

  /** @param {PointerEvent} event */
  #follow({ clientX }) {
    const [left, right] = this.#placement.span();
    const share = (clientX - this.#port.getBoundingClientRect().left - left) / (right - left);
    this.#divide(this.#rightToLeft ? 1 - share : share);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const outwards = this.#rightToLeft ? -1 : 1; // the arrows move the line to where they point
    if (event.key in STEPS) this.#divide(this.#share + (outwards * STEPS[event.key]) / 100);
    else if (event.key === "Home") this.#divide(0);
    else if (event.key === "End") this.#divide(1);
    else return;
    event.preventDefault();
  }

  /** @param {number} share of the visible picture that shows the photo */
  #divide(share) {
    this.#share = Math.min(1, Math.max(0, share));
    this.onmove();
  }
}
