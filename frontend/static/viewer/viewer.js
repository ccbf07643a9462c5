/**
 * The cut-out on a checkerboard, with zoom, panning and a divider against the photo. Owns what is shown and how;
 * what a drag draws in the modes "add" and "erase" is left to a pen.
 */

import { make } from "../elements.js";
import { t } from "../words/translate.js";
import { Divider } from "./divider.js";
import { Gestures } from "./gestures.js";
import { Glide } from "./glide.js";
import { layer } from "./layer.js";
import { placed, toPhoto } from "./place.js";
import { Placement } from "./placement.js";
import { Shape } from "./shape.js";

const ZOOM_STEP = 1.5;
const PIXELS_FROM = 3; // from this zoom on pixels are shown as squares
const GRIP = 6; // CSS px around a press in which the cut-out is taken hold of

/** @typedef {import("./placement.js").Point} Point */

/** @typedef {"view" | "add" | "erase"} Mode what a drag does: move the picture, or draw with the pen */

/** @typedef {import("./place.js").Place} Place */

/**
 * @typedef {object} Pen draws where the viewer is dragged over; points are in px of the photo
 * @property {(point: Point) => void} begin
 * @property {(points: Point[]) => void} extend
 * @property {() => void} finish
 * @property {() => void} cancel take back what was drawn since `begin`
 * @property {(place: Point | null) => void} hover px of the port; null: no pointer is over it
 */

/**
 * @typedef {object} Picture
 * @property {Blob | string | null} before the photo, or its address; what cannot be decoded counts as null
 * @property {ImageBitmap | Blob | HTMLElement} after the cut-out; an ImageBitmap is drawn, not taken over, and may be
 *   smaller than the picture
 * @property {HTMLElement | null} [under] shows what lies below the cut-out, as large as the picture
 * @property {Place} [place] without one, photo and cut-out are as large as the picture
 * @property {number} width px
 * @property {number} height px
 * @property {boolean} final false for a preview
 * @property {string} [label] what the cut-out shows, for those who do not see it
 */

/**
 * @typedef {object} Mover moves the cut-out, or what lies below it, in a picture that is seen as a whole
 * @property {boolean} able whether it can be moved
 * @property {(x: number, y: number, snaps: boolean) => void} move by px of the picture; snaps: to its middle
 * @property {() => void} finish
 * @property {() => void} cancel put it back
 */

/**
 * @typedef {object} Seen where the photo is drawn: its px (x, y) at (x, y) * scale + offset, px of the screen from the
 *   port's corner
 * @property {number} x
 * @property {number} y
 * @property {number} scaleX
 * @property {number} scaleY
 */

/**
 * Dispatches "change" when zoom, mode, the divider's presence or the picture changes, and "draw" whenever the picture is
 * drawn, in each frame of an animation too.
 */
export class Viewer extends EventTarget {
  /** @type {Pen | null} */
  pen = null;
  /** @type {Mover | null} of the cut-out */
  mover = null;
  /** @type {Mover | null} of what lies below it */
  backdrop = null;
  /** The element that takes the gestures and clips the picture: the place for a pen's cursor. */
  port = make("div", { className: "viewer-port", tabIndex: 0, hidden: true, role: "group" });
  placement = new Placement(() => devicePixelRatio);

  #checker = make("div", { className: "viewer-checker" });
  #world = make("div", { className: "viewer-world" });
  #divider;
  #gestures;
  #glide = new Glide();
  /** @type {HTMLElement | null} shows the photo */
  #before = null;
  /** @type {Picture["before"]} */
  #beforeSource = null;
  /** @type {HTMLElement | null} shows the cut-out */
  #after = null;
  /** @type {Picture["after"] | null} */
  #afterSource = null;
  #photoPart = make("div", { className: "viewer-part" });
  #cutoutPart = make("div", { className: "viewer-part" });
  /** @type {Place} */
  #place = whole(1, 1);
  /** @type {import("./placement.js").View} the latest that was drawn */
  #drawn = this.placement.view;
  #final = false;
  #showing = 0; // number of the latest call of show()
  #compare = false;
  #shape = new Shape(); // of the cut-out
  #holdsBackdrop = false; // what was pressed last, where both can be moved
  /** @type {Mode} */
  #mode = "view";

  /** @param {Element} container gets one child, as wide as it, which is hidden while nothing is shown */
  constructor(container) {
    super();
    this.port.setAttribute("aria-label", t("cutout.viewer"));
    this.port.setAttribute("aria-keyshortcuts", "+ - 0 1");
    this.port.append(this.#checker, this.#world);
    this.#divider = new Divider(this.port, this.placement);
    this.#divider.onmove = () => this.#draw();
    this.#gestures = new Gestures(this.port, this, this.#divider);
    container.append(this.port);
    new ResizeObserver(() => this.#resized()).observe(this.port);
  }

  get empty() {
    return this.#after === null;
  }

  /** Whether a final cut-out is shown, not a preview. */
  get final() {
    return !this.empty && this.#final;
  }

  /** Zoom: CSS px per px of the picture. */
  get scale() {
    return this.placement.scale;
  }

  /** CSS px per px of the photo. */
  get penScale() {
    return this.scale * this.#place.scaleX;
  }

  /** @returns {Seen} */
  get seen() {
    const [{ scale, ...offset }, { x, y, scaleX, scaleY }] = [this.#drawn, this.#place];
    const ratio = devicePixelRatio;
    return {
      x: (offset.x + x * scale) * ratio,
      y: (offset.y + y * scale) * ratio,
      scaleX: scaleX * scale * ratio,
      scaleY: scaleY * scale * ratio,
    };
  }

  get fitted() {
    return this.placement.fitted;
  }

  get canZoomIn() {
    return !this.empty && this.scale < this.placement.mostScale;
  }

  get canZoomOut() {
    return !this.empty && this.scale > this.placement.leastScale;
  }

  /** Whether all of the picture is seen, as far as it was drawn: it cannot be moved. */
  get still() {
    return this.port.hasAttribute("data-still");
  }

  /** Whether a drag moves something in the picture: it could not move the picture. */
  get movable() {
    return this.held !== null && this.final && this.still && this.#mode === "view" && !this.#compare;
  }

  /** What a drag or an arrow key moves in the picture; null where nothing can be moved. */
  get held() {
    const [cutout, backdrop] = [this.mover, this.backdrop].map((mover) => (mover?.able ? mover : null));
    return this.#holdsBackdrop ? (backdrop ?? cutout) : (cutout ?? backdrop);
  }

  /** Hold what is seen at a place: the cut-out, or what lies below it. @param {Point} place CSS px of the port */
  hold(place) {
    if (!this.#after) return;
    this.#holdsBackdrop = !this.#shape.isNear(this.#after, this.toPhoto(place), GRIP / this.penScale);
  }

  /** How far the cut-out is drawn from its place. @param {Point} by px of the picture */
  set shift(by) {
    this.#world.style.setProperty("--shift", `${by.x}px ${by.y}px`);
  }

  /** Whether there is a photo to compare with that this browser can show. */
  get canCompare() {
    return !this.empty && this.#before !== null;
  }

  /** Whether the divider is shown. It and the pen's modes exclude each other: one would hide what the other does. */
  get compare() {
    return this.#compare;
  }

  set compare(wanted) {
    this.#compare = wanted && this.canCompare;
    if (this.#compare) this.#mode = "view";
    this.#changed();
  }

  /** @returns {Mode} */
  get mode() {
    return this.#mode;
  }

  /** Only a final cut-out can be drawn on. */
  set mode(wanted) {
    this.#gestures.finishDrawing();
    this.#mode = this.final && this.pen ? wanted : "view";
    if (this.#mode !== "view") this.#compare = false;
    else this.pen?.hover(null);
    this.#changed();
  }

  /**
   * Show a cut-out. The view stays where it is if the size is the same, as from a preview to the final picture.
   *
   * @param {Picture} picture
   * @returns {Promise<boolean>} false when another call overtook this one; rejects if `after` cannot be decoded
   */
  async show({ before, after, under = null, width, height, place = whole(width, height), final, label }) {
    this.#showing++;
    const own = this.#showing;
    const keeps = before !== null && before === this.#beforeSource;
    const [photo, cutout] = await Promise.all([
      keeps ? this.#before : before && layer(before).catch(() => null),
      after === this.#afterSource && this.#after ? this.#after : layer(after),
    ]);
    if (own !== this.#showing) return false;
    this.#gestures.cancel();
    this.#before = photo || null;
    this.#beforeSource = before;
    this.#after = cutout;
    this.#afterSource = after;
    this.#final = final;
    this.#place = place;
    this.#mode = "view";
    this.shift = { x: 0, y: 0 };
    if (after instanceof Blob && this.mover?.able && this.backdrop?.able) this.#shape.read(after);
    if (!this.canCompare) this.#compare = false;
    describe(this.#cutoutPart, label ?? t("cutout.picture"));
    if (this.#before) this.#photoPart.replaceChildren(placed(this.#before, place));
    this.#cutoutPart.replaceChildren(...(under ? [under] : []), placed(cutout, place));
    this.#world.replaceChildren(...(this.#before ? [this.#photoPart] : []), this.#cutoutPart);
    this.port.hidden = false;
    this.port.style.aspectRatio = `${width} / ${height}`;
    this.port.style.setProperty("--ratio", String(width / height));
    this.#world.style.width = `${width}px`;
    this.#world.style.height = `${height}px`;
    const { picture } = this.placement;
    if (picture.width !== width || picture.height !== height) {
      this.placement.picture = { width, height };
      this.placement.fitted = true;
    }
    this.#resized();
    this.#changed();
    return true;
  }

  /**
   * Show another element of the same size in the cut-out's place: the one that a pen draws on.
   * @param {HTMLElement} element
   */
  swap(element) {
    if (!this.#after) return;
    this.#after.replaceWith(element);
    this.#after = element;
    this.#draw();
  }

  clear() {
    this.#showing++;
    this.#gestures.cancel();
    this.#before = null;
    this.#beforeSource = null;
    this.#after = null;
    this.#afterSource = null;
    this.placement.picture = { width: 1, height: 1 };
    this.#world.replaceChildren();
    this.port.hidden = true;
    this.#compare = this.#holdsBackdrop = false;
    this.#mode = "view";
    this.#changed();
  }

  /**
   * Convert px of the window, as pointer events tell them, to px of the photo.
   * @param {number} clientX
   * @param {number} clientY
   */
  toImage(clientX, clientY) {
    const { left, top } = this.port.getBoundingClientRect();
    return this.toPhoto({ x: clientX - left, y: clientY - top });
  }

  /** Convert CSS px of the port to px of the photo. @param {Point} point @returns {Point} */
  toPhoto(point) {
    return toPhoto(this.placement.toImage(point), this.#place);
  }

  /** Show the whole picture, as large as it can be. */
  fit() {
    const fit = (/** @type {Placement} */ placement) => {
      placement.fitted = true;
    };
    this.move(fit, { glides: true });
  }

  /** Show at 100 %: one px of the picture is one CSS px. A point of the port stays where it is. @param {Point} about */
  actual(about = this.placement.middle) {
    this.move((placement) => placement.zoom(1, about), { glides: true });
  }

  zoomIn() {
    this.move((placement) => placement.step(ZOOM_STEP), { glides: true });
  }

  zoomOut() {
    this.move((placement) => placement.step(1 / ZOOM_STEP), { glides: true });
  }

  /**
   * Change the placement and draw it, at once or by an animation.
   * @param {(placement: Placement) => void} change
   * @param {{glides?: boolean}} [how]
   */
  move(change, { glides = false } = {}) {
    if (this.empty) return;
    const from = this.placement.view;
    change(this.placement);
    this.placement.settle();
    this.#glide.stop();
    if (glides) this.#glide.start(from, this.placement.view, (view) => this.#draw(view));
    else this.#draw();
    if (from.scale !== this.scale) this.dispatchEvent(new Event("change"));
  }

  #resized() {
    // Not the bounding box: the port's size does not depend on what is around it.
    this.move((placement) => {
      placement.port = { width: this.port.clientWidth, height: this.port.clientHeight };
    });
  }

  #changed() {
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  /** Draw everything from one view, so that photo and cut-out never drift apart. */
  #draw(view = this.placement.view) {
    if (!this.#after) return;
    this.#drawn = view;
    const { scale, x, y } = view;
    const { picture, port } = this.placement;
    const [width, height] = [picture.width * scale, picture.height * scale];
    this.#world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.#checker.style.clipPath = `inset(${y}px ${port.width - x - width}px ${port.height - y - height}px ${x}px)`;
    this.#checker.style.backgroundPosition = `${x}px ${y}px`;
    this.port.toggleAttribute("data-pixels", scale >= PIXELS_FROM);
    this.port.toggleAttribute("data-compare", this.#compare);
    this.port.dataset.mode = this.#mode;
    // One finger scrolls the page where it could not move the picture.
    const still = width <= port.width + 1 && height <= port.height + 1;
    this.port.toggleAttribute("data-still", still);
    this.port.toggleAttribute("data-movable", this.movable);
    this.port.style.touchAction = still && this.#mode === "view" && !this.movable ? "pan-x pan-y" : "none";
    this.#photoPart.hidden = !this.#compare && this.#mode !== "add";
    this.#divider.draw({ shown: this.#compare, view, before: this.#photoPart, after: this.#cutoutPart });
    this.dispatchEvent(new Event("draw"));
  }
}

/** Return the place of a photo that is as large as the picture. @param {number} width @param {number} height @returns {Place} */
function whole(width, height) {
  return { width, height, x: 0, y: 0, scaleX: 1, scaleY: 1 };
}

/** Describe an element as a picture to screen readers. @param {HTMLElement} element @param {string} label */
function describe(element, label) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
}
