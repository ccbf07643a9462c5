/**
 * The objects of a photo: each outlined on the photo, with its name, taken or left by a click, a tap or a key. Owns
 * what is taken. Does not know where the outlines come from, nor what is done with the taken ones.
 */

import { find, make } from "../elements.js";
import { localName, t } from "../words/translate.js";
import { drawn } from "./drawn.js";
import { Kept } from "./kept.js";
import { placeLabels } from "./labels.js";

const TOUCH_PX = 24; // the smallest target of WCAG 2.2, success criterion 2.5.8

/** @type {Record<string, [axis: number, step: number]>} a step along an axis of the photo, by key */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] };

/**
 * @typedef {object} Part what shows an object
 * @property {import("../server/photos.js").DetectedObject} object
 * @property {SVGElement} shape
 * @property {SVGElement} target
 * @property {HTMLElement} label
 * @property {SVGElement} hole in what dims the photo, while it is taken
 */

export class ObjectsView {
  /** @type {(taken: Set<number>) => void} called with a copy of `taken` when a person takes or leaves an object */
  onchange = () => {};

  #image;
  /** Lies on the photo, exactly; hidden while none is shown. */
  layer = make("div", { className: "objects", hidden: true });
  #drawn = make("div", { className: "objects-drawn" });
  #size = [0, 0];
  #holes = drawn("g", {});
  #kept = new Kept();
  /** @type {Map<number, Part>} by id */
  #parts = new Map();
  /** @type {Set<number>} */
  #taken = new Set();

  /** @param {Element} container positioned, with the photo's `<img>` (object-fit: contain) as a child */
  constructor(container) {
    this.#image = find(container, "img", HTMLImageElement);
    this.layer.append(this.#drawn);
    container.append(this.layer);
    this.layer.addEventListener("click", (event) => this.#click(event));
    this.layer.addEventListener("keydown", (event) => this.#key(event));
    this.layer.addEventListener("focusin", (event) => this.#rove(event.target));
    for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) {
      this.layer.addEventListener(type, (event) => this.#point(event));
    }
    const resized = new ResizeObserver(() => this.#layOut());
    resized.observe(this.#image);
    resized.observe(container); // the photo may move in it and keep its size
  }

  /**
   * Lay these objects over the photo.
   * @param {import("./found.js").Detected} detected
   * @param {import("./found.js").Outlines} outlines without one, the box is drawn
   * @param {Iterable<number>} taken ids
   */
  show(detected, outlines, taken) {
    this.#size = [detected.width, detected.height];
    this.#parts.clear();
    this.#kept.open(detected.width, detected.height);
    const svg = drawn("svg", { viewBox: `0 0 ${detected.width} ${detected.height}`, role: "group" });
    svg.setAttribute("aria-label", t("objects.all"));
    svg.append(...this.#shade(detected));
    // What comes last is on top: small objects, which large ones would hide from the pointer.
    for (const object of [...detected.objects].sort((a, b) => b.area - a.area)) {
      const path = outlines.get(object.id)?.path || boxPath(object.box);
      const shape = drawn("g", { class: "object", role: "checkbox", tabindex: "-1" });
      const target = drawn("rect", { class: "target" });
      shape.append(target, ...["area", "casing", "line"].map((name) => drawn("path", { class: name, d: path })));
      svg.append(shape);
      const hole = drawn("path", { d: path, fill: "black" });
      const label = make("span", { className: "object-label", ariaHidden: "true" }); // the shape has the name, too
      this.#parts.set(object.id, { object, shape, target, label, hole });
    }
    svg.querySelector(".object")?.setAttribute("tabindex", "0");
    svg.append(this.#kept.line);
    this.#drawn.replaceChildren(svg, ...[...this.#parts.values()].map(({ label }) => label));
    this.layer.hidden = false;
    this.taken = new Set(taken);
    this.#layOut();
  }

  /** Write the objects' names again: the person's words for them may be known later than the objects. */
  name() {
    this.taken = this.#taken;
    this.#layOut();
  }

  /**
   * Outline what the final cut-out keeps, instead of the taken objects as they were found, until others are taken.
   * @param {Blob} cutout transparent, as large as the photo
   */
  async settle(cutout) {
    if (!this.#parts.size || !(await this.#kept.show(cutout))) return;
    this.#holes.replaceChildren(this.#kept.hole);
    this.layer.setAttribute("data-settled", "");
    this.layer.setAttribute("data-dimmed", "");
  }

  clear() {
    this.#parts.clear();
    this.#taken.clear();
    this.#kept.clear();
    this.#drawn.replaceChildren();
    this.layer.hidden = true;
    this.#size = [0, 0];
  }

  /** @returns {Set<number>} ids; a copy */
  get taken() {
    return new Set(this.#taken);
  }

  /** Does not call `onchange`. Ids of no object that is shown are ignored. */
  set taken(ids) {
    this.#taken = new Set([...ids].filter((id) => this.#parts.has(id)));
    const taken = [...this.#parts.values()].filter(({ object }) => this.#taken.has(object.id));
    this.#kept.clear();
    this.layer.removeAttribute("data-settled");
    this.#holes.replaceChildren(...taken.map(({ hole }) => hole));
    this.layer.toggleAttribute("data-dimmed", taken.length > 0);
    for (const [id, { object, shape, label }] of this.#parts) {
      const taken = this.#taken.has(id);
      const score = Math.round(100 * object.score);
      const name = localName(object.label);
      shape.setAttribute("aria-checked", String(taken));
      shape.setAttribute("aria-label", t(taken ? "objects.taken" : "objects.left", { label: name, score }));
      label.textContent = name;
      label.toggleAttribute("data-taken", taken);
    }
  }

  /** What dims all of the photo but the taken objects. @param {import("./found.js").Detected} detected */
  #shade({ width, height }) {
    const all = { width: String(width), height: String(height) };
    const mask = drawn("mask", { id: "taken-objects", maskUnits: "userSpaceOnUse", x: "0", y: "0", ...all });
    mask.append(drawn("rect", { ...all, fill: "white" }), this.#holes);
    return [mask, drawn("rect", { class: "shade", mask: "url(#taken-objects)", ...all })];
  }

  /** @param {Part} part */
  #toggle({ object: { id } }) {
    const taken = this.taken;
    if (!taken.delete(id)) taken.add(id);
    this.taken = taken;
    this.onchange(this.taken);
  }

  /** The object whose shape or label this is, or lies in. @param {EventTarget | null} node */
  #partAt(node) {
    if (!(node instanceof Node)) return undefined;
    return [...this.#parts.values()].find(({ shape, label }) => shape.contains(node) || label === node);
  }

  /** @param {MouseEvent} event */
  #click({ target }) {
    const part = this.#partAt(target);
    if (!part) return;
    part.shape.focus({ preventScroll: true }); // a label that was clicked has no focus of its own
    this.#toggle(part);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const part = this.#partAt(event.target);
    if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.#toggle(part);
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const [axis, step] = ARROWS[event.key];
      const order = this.#along(axis);
      order.at((order.indexOf(part) + step) % order.length)?.shape.focus();
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.#along(0)
        .at(event.key === "Home" ? 0 : -1)
        ?.shape.focus();
    }
  }

  /** Objects by the centres of their boxes along an axis. Either order leads round through all. @param {number} axis */
  #along(axis) {
    const centre = (/** @type {Part} */ { object: { box } }) => box[axis] + box[axis + 2];
    return [...this.#parts.values()].sort((a, b) => centre(a) - centre(b));
  }

  /** One stop of the Tab key for all objects: the one that had the focus last. @param {EventTarget | null} focused */
  #rove(focused) {
    for (const { shape } of this.#parts.values()) shape.setAttribute("tabindex", shape === focused ? "0" : "-1");
  }

  /** An object and its label are one thing to the pointer and to the focus. @param {Event} event */
  #point({ target }) {
    const part = this.#partAt(target);
    if (!part) return;
    part.shape.toggleAttribute("data-hovered", part.shape.matches(":hover") || part.label.matches(":hover"));
    part.label.toggleAttribute("data-active", part.shape.matches("[data-hovered], :focus-visible"));
  }

  /** Put the layer on the photo as it is seen now; targets and labels keep their size on the screen. */
  #layOut() {
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#image;
    if (!this.#size[0] || !offsetWidth || !offsetHeight) return;
    const scale = Math.min(offsetWidth / this.#size[0], offsetHeight / this.#size[1]);
    const [width, height] = this.#size.map((side) => side * scale);
    Object.assign(this.layer.style, {
      left: `${offsetLeft + (offsetWidth - width) / 2}px`,
      top: `${offsetTop + (offsetHeight - height) / 2}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    for (const { object, target } of this.#parts.values()) enlarge(target, object.box, TOUCH_PX / scale);
    this.#kept.scale = scale;

    const labels = [...this.#parts.values()].map(({ object, label }) => ({
      label,
      box: object.box.map((side) => side * scale),
      size: [label.offsetWidth, label.offsetHeight],
    }));
    for (const [index, place] of placeLabels(labels, width, height, 2 * TOUCH_PX).entries()) {
      const { label } = labels[index];
      label.style.left = `${place.x}px`;
      label.style.top = `${place.y}px`;
      label.toggleAttribute("data-crowded", place.crowded);
    }
  }
}

/**
 * Spread the target of an object that is narrower or lower than `side` over that much room; all in px of the photo.
 * @param {SVGElement} target
 * @param {number[]} box
 * @param {number} side
 */
function enlarge(target, [x0, y0, x1, y1], side) {
  const small = Math.min(x1 - x0, y1 - y0) < side;
  const [width, height] = small ? [Math.max(x1 - x0, side), Math.max(y1 - y0, side)] : [0, 0];
  const place = { x: (x0 + x1 - width) / 2, y: (y0 + y1 - height) / 2, width, height };
  for (const [name, value] of Object.entries(place)) target.setAttribute(name, String(value));
}

/** @param {number[]} box */
function boxPath([x0, y0, x1, y1]) {
  return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
}
