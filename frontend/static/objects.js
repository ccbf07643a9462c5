/**
 * The objects of a photo as things to take: each outlined on the photo, with its name, taken or left by a click, a tap
 * or a key. Owns what is taken. Where the outlines come from and what is done with the taken ones is for others.
 */

import { called, t } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const TOUCH_PX = 24; // the smallest target of WCAG 2.2, success criterion 2.5.8
const GAP_PX = 4; // between a label and its object, and between a label and the end of the photo

/** One step of an arrow key: along which axis of the photo, and which way. */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, -1], ArrowDown: [1, 1] };

export class ObjectsView {
  /** Called with a copy of `taken` and {by: "user"} whenever a person takes or leaves an object. */
  onchange = () => {};

  #image;
  #layer = document.createElement("div");
  #size = [0, 0];
  #parts = new Map(); // id → {object, shape, target, label}
  #taken = new Set();

  /** @param {Element} container positioned, with the photo's `<img>` (object-fit: contain) as a child */
  constructor(container) {
    this.#image = container.querySelector("img");
    this.#layer.className = "objects";
    this.#layer.hidden = true;
    container.append(this.#layer);
    this.#layer.addEventListener("click", (event) => this.#click(event));
    this.#layer.addEventListener("keydown", (event) => this.#key(event));
    this.#layer.addEventListener("focusin", (event) => this.#rove(event.target));
    for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) {
      this.#layer.addEventListener(type, (event) => this.#point(event));
    }
    const resized = new ResizeObserver(() => this.#layOut());
    resized.observe(this.#image);
    resized.observe(container); // the photo may move in it and keep its size
  }

  /**
   * Lay these objects over the photo.
   * @param {import("./found.js").Detected} detected
   * @param {Map<number, {path: string}>} outlines by id, in px of the upright photo; without one, the box is drawn
   * @param {Iterable<number>} taken ids
   */
  show(detected, outlines, taken) {
    this.#size = [detected.width, detected.height];
    this.#parts.clear();
    const svg = drawn("svg", { viewBox: `0 0 ${detected.width} ${detected.height}`, role: "group" });
    svg.setAttribute("aria-label", t("objects.all"));
    // What comes last is on top: small objects, which large ones would hide from the pointer.
    for (const object of [...detected.objects].sort((a, b) => b.area - a.area)) {
      const path = outlines.get(object.id)?.path || boxPath(object.box);
      const shape = drawn("g", { class: "object", role: "checkbox", tabindex: -1 });
      const target = drawn("rect", { class: "target" });
      shape.append(target, ...["area", "casing", "line"].map((name) => drawn("path", { class: name, d: path })));
      svg.append(shape);
      const label = document.createElement("span");
      label.className = "object-label";
      label.setAttribute("aria-hidden", "true"); // the shape says it
      this.#parts.set(object.id, { object, shape, target, label });
    }
    svg.firstElementChild?.setAttribute("tabindex", "0");
    this.#layer.replaceChildren(svg, ...[...this.#parts.values()].map(({ label }) => label));
    this.#layer.hidden = this.#parts.size === 0;
    this.taken = taken;
    this.#layOut();
  }

  /** Write anew what the objects are called: the person's words for them may come later than they do. */
  name() {
    this.taken = this.#taken;
    this.#layOut();
  }

  clear() {
    this.#parts.clear();
    this.#taken.clear();
    this.#layer.replaceChildren();
    this.#layer.hidden = true;
  }

  /** @returns {Set<number>} ids; a copy */
  get taken() {
    return new Set(this.#taken);
  }

  /** Does not call `onchange`. Ids of no object that is shown are passed over. */
  set taken(ids) {
    this.#taken = new Set([...ids].filter((id) => this.#parts.has(id)));
    for (const [id, { object, shape, label }] of this.#parts) {
      const taken = this.#taken.has(id);
      const score = Math.round(100 * object.score);
      const name = called(object.label);
      shape.setAttribute("aria-checked", String(taken));
      shape.setAttribute("aria-label", t(taken ? "objects.taken" : "objects.left", { label: name, score }));
      label.textContent = name;
      label.toggleAttribute("data-taken", taken);
    }
  }

  #toggle(id) {
    const taken = this.taken;
    if (!taken.delete(id)) taken.add(id);
    this.taken = taken;
    this.onchange(this.taken, { by: "user" });
  }

  /** The id of the object whose shape or label this is, or lies in. */
  #idAt(node) {
    for (const [id, { shape, label }] of this.#parts) {
      if (shape.contains(node) || label === node) return id;
    }
    return null;
  }

  #click({ target }) {
    const id = this.#idAt(target);
    if (id === null) return;
    this.#parts.get(id).shape.focus({ preventScroll: true }); // a label that was clicked has no focus of its own
    this.#toggle(id);
  }

  #key(event) {
    const id = this.#idAt(event.target);
    if (id === null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.#toggle(id);
    } else if (event.key in ARROWS) {
      event.preventDefault();
      const [axis, step] = ARROWS[event.key];
      const order = this.#along(axis);
      this.#parts.get(order.at((order.indexOf(id) + step) % order.length)).shape.focus();
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.#parts.get(this.#along(0).at(event.key === "Home" ? 0 : -1)).shape.focus();
    }
  }

  /** Ids by the centres of their boxes along an axis. Either order leads round through every object. */
  #along(axis) {
    const centre = (id) => this.#parts.get(id).object.box[axis] + this.#parts.get(id).object.box[axis + 2];
    return [...this.#parts.keys()].sort((a, b) => centre(a) - centre(b));
  }

  /** One stop of the Tab key for all objects: the one that had the focus last. */
  #rove(focused) {
    for (const { shape } of this.#parts.values()) shape.setAttribute("tabindex", shape === focused ? "0" : "-1");
  }

  /** An object and its label are one thing to the pointer and to the focus. */
  #point({ target }) {
    const part = this.#parts.get(this.#idAt(target));
    if (!part) return;
    part.shape.toggleAttribute("data-hovered", part.shape.matches(":hover") || part.label.matches(":hover"));
    part.label.toggleAttribute("data-active", part.shape.matches("[data-hovered], :focus-visible"));
  }

  /** Put the layer on the photo as it is seen now; targets and labels keep their size on the screen. */
  #layOut() {
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#image;
    if (!this.#parts.size || !offsetWidth || !offsetHeight) return;
    const scale = Math.min(offsetWidth / this.#size[0], offsetHeight / this.#size[1]);
    const [width, height] = this.#size.map((side) => side * scale);
    Object.assign(this.#layer.style, {
      left: `${offsetLeft + (offsetWidth - width) / 2}px`,
      top: `${offsetTop + (offsetHeight - height) / 2}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    for (const { object, target } of this.#parts.values()) enlarge(target, object.box, TOUCH_PX / scale);

    const labels = [...this.#parts.values()].map(({ object, label }) => ({
      label,
      box: object.box.map((side) => side * scale),
      size: [label.offsetWidth, label.offsetHeight],
    }));
    for (const [index, place] of placeLabels(labels, width, height).entries()) {
      const { label } = labels[index];
      label.style.left = `${place.x}px`;
      label.style.top = `${place.y}px`;
      label.toggleAttribute("data-crowded", place.crowded);
    }
  }
}

/** Spread the target of an object that is narrower or lower than `side` over that much room; all in px of the photo. */
function enlarge(target, [x0, y0, x1, y1], side) {
  const small = Math.min(x1 - x0, y1 - y0) < side;
  const [width, height] = small ? [Math.max(x1 - x0, side), Math.max(y1 - y0, side)] : [0, 0];
  const place = { x: (x0 + x1 - width) / 2, y: (y0 + y1 - height) / 2, width, height };
  for (const [name, value] of Object.entries(place)) target.setAttribute(name, value);
}

/**
 * Where labels go: near the top of their objects, inside the photo, and clear of each other and of small objects.
 * @param {{box: number[], size: number[]}[]} labels boxes and sizes in px of the screen; the last have the first choice
 * @returns {{x: number, y: number, crowded: boolean}[]} crowded: no clear place is left
 */
function placeLabels(labels, width, height) {
  const small = labels.filter(({ box }) => Math.max(box[2] - box[0], box[3] - box[1]) < 2 * TOUCH_PX);
  const occupied = small.map((owner) => ({ owner, box: owner.box }));
  const places = labels.toReversed().map((owner) => {
    const [x0, y0, x1, y1] = owner.box;
    const [across, down] = owner.size;
    const choices = [];
    for (const y of [y0 - down - GAP_PX, y0 + GAP_PX, y1 + GAP_PX]) {
      for (const x of [(x0 + x1 - across) / 2, x0, x1 - across]) {
        choices.push([within(x, GAP_PX, width - across - GAP_PX), within(y, GAP_PX, height - down - GAP_PX)]);
      }
    }
    const boxes = choices.map(([x, y]) => [x, y, x + across, y + down]);
    const clear = boxes.find((box) => !occupied.some((other) => other.owner !== owner && overlap(box, other.box)));
    if (clear) occupied.push({ owner, box: clear });
    const [x, y] = clear ?? boxes[0];
    return { x, y, crowded: !clear };
  });
  return places.reverse();
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function within(value, least, most) {
  return Math.max(Math.min(value, most), least);
}

function boxPath([x0, y0, x1, y1]) {
  return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
}

function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
