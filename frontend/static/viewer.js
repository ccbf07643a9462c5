/**
 * The cut-out on a checkerboard, with zoom, panning and a divider against the photo.
 * Owns the gestures; what a drag draws in the modes "add" and "erase" is left to a pen.
 */

import { t } from "./text.js";

const MOST_ZOOM = 16;
const ZOOM_STEP = 1.5;
const WHEEL_ZOOM = 0.002; // per px of the wheel: a notch of 100 px zooms by 1.22
const PINCH_WHEEL_ZOOM = 0.01; // a trackpad's pinch comes as ctrl+wheel with a few px an event
const KEY_PAN = 64; // px an arrow key moves the picture
const DIVIDER_STEPS = { ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10 }; // % of the visible picture
const PIXELS_FROM = 3; // from this zoom on pixels are shown as squares
const GLIDE_MS = 160;
const TAG_ROOM = 96; // px a half must have for its name

/**
 * @typedef {object} Pen draws where the viewer is dragged over; points are in px of the picture
 * @property {(point: {x: number, y: number}) => void} begin
 * @property {(points: {x: number, y: number}[]) => void} extend
 * @property {() => void} finish
 * @property {() => void} cancel take back what was drawn since `begin`
 * @property {(place: {x: number, y: number} | null) => void} hover px of the port; null: no pointer is over it
 */

/** Dispatches "change" when zoom, mode, the divider's presence or the picture changes. */
export class Viewer extends EventTarget {
  /** @type {Pen | null} */
  pen = null;

  #port = made("div", "viewer-port");
  #checker = made("div", "viewer-checker");
  #world = made("div", "viewer-world");
  #tags = [made("span", "viewer-tag"), made("span", "viewer-tag")];
  #divider = made("div", "viewer-divider");
  #placement = new Placement();
  #glide = 0; // the animation frame asked for, or 0
  #before = null; // the photo's element
  #beforeSource = null;
  #after = null; // the cut-out's element
  #final = false;
  #showing = null; // the latest call of show()
  #compare = false;
  #share = 0.5; // of the visible picture that shows the photo
  #mode = "view";
  #pointers = new Map(); // id to {x, y}, client px
  #drag = null; // "pan" | "draw" | "pinch"
  #drawnSince = 0;

  /** @param {HTMLElement} container gets one child, as wide as it, which is hidden while nothing is shown */
  constructor(container) {
    super();
    this.#port.tabIndex = 0;
    this.#port.hidden = true;
    this.#port.setAttribute("role", "group");
    this.#port.setAttribute("aria-label", t("cutout.viewer"));
    this.#port.setAttribute("aria-keyshortcuts", "+ - 0 1");
    this.#tags[0].textContent = t("cutout.photo");
    this.#tags[1].textContent = t("cutout.picture");
    for (const tag of this.#tags) tag.setAttribute("aria-hidden", "true");
    this.#divider.tabIndex = 0;
    this.#divider.setAttribute("role", "slider");
    this.#divider.setAttribute("aria-label", t("cutout.divider"));
    this.#divider.setAttribute("aria-valuemin", "0");
    this.#divider.setAttribute("aria-valuemax", "100");
    this.#port.append(this.#checker, this.#world, ...this.#tags, this.#divider);
    container.append(this.#port);
    this.#listen();
    new ResizeObserver(() => this.#resized()).observe(this.#port);
  }

  /** The element that takes the gestures and clips the picture: the place for a pen's cursor. */
  get port() {
    return this.#port;
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
    return this.#placement.scale;
  }

  get fitted() {
    return this.#placement.fitted;
  }

  get canZoomIn() {
    return !this.empty && this.scale < this.#placement.mostScale;
  }

  get canZoomOut() {
    return !this.empty && this.scale > this.#placement.leastScale;
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
    this.#compare = Boolean(wanted) && this.canCompare;
    if (this.#compare) this.#mode = "view";
    this.#changed();
  }

  /** @returns {"view" | "add" | "erase"} what a drag does: move the picture, or draw with the pen */
  get mode() {
    return this.#mode;
  }

  /** Only a final cut-out can be drawn on. */
  set mode(wanted) {
    if (this.#drag === "draw") this.#endDrawing("finish");
    this.#mode = this.final && this.pen ? wanted : "view";
    if (this.#mode !== "view") this.#compare = false;
    else this.pen?.hover(null);
    this.#changed();
  }

  /**
   * Show a cut-out. The view stays where it is if the size is the same, as from a preview to the final picture.
   *
   * @param {object} picture
   * @param {Blob | string | null} picture.before the photo, or its address; what cannot be decoded counts as null
   * @param {ImageBitmap | Blob | HTMLElement} picture.after the cut-out; an ImageBitmap is drawn, not taken over,
   *   and may be smaller than the picture
   * @param {number} picture.width px, of the upright photo and the final cut-out alike
   * @param {number} picture.height px
   * @param {boolean} picture.final false for a preview
   * @param {string} [picture.label] what the cut-out shows, for those who do not see it
   * @returns {Promise<boolean>} false when another call overtook this one; rejects if `after` cannot be decoded
   */
  async show({ before, after, width, height, final, label = t("cutout.picture") }) {
    const own = (this.#showing = {});
    const keeps = before !== null && before === this.#beforeSource;
    const [photo, cutout] = await Promise.all([
      keeps ? this.#before : before && layer(before).catch(() => null),
      layer(after),
    ]);
    if (own !== this.#showing) return false;
    this.#endDrag();
    this.#before = photo || null;
    this.#beforeSource = before;
    this.#after = cutout;
    this.#final = final;
    this.#mode = "view";
    this.#compare &&= this.canCompare;
    this.#before?.setAttribute("alt", "");
    this.#name(label);
    this.#world.replaceChildren(...[this.#before, this.#after].filter(Boolean));
    this.#port.hidden = false;
    this.#port.style.aspectRatio = `${width} / ${height}`;
    this.#world.style.width = `${width}px`;
    this.#world.style.height = `${height}px`;
    const { picture } = this.#placement;
    if (picture.width !== width || picture.height !== height) {
      this.#placement.picture = { width, height };
      this.#placement.fitted = true;
    }
    this.#resized();
    this.#changed();
    return true;
  }

  /** Show another element of the same size in the cut-out's place: the one that a pen draws on. */
  swap(element) {
    const label = this.#after.getAttribute("aria-label");
    this.#after.replaceWith(element);
    this.#after = element;
    this.#name(label);
    this.#draw();
  }

  clear() {
    this.#showing = null;
    this.#endDrag();
    this.#before = this.#beforeSource = this.#after = null;
    this.#placement.picture = { width: 1, height: 1 };
    this.#world.replaceChildren();
    this.#port.hidden = true;
    this.#compare = false;
    this.#mode = "view";
    this.#changed();
  }

  /** From px of the window, as pointer events tell them, to px of the picture. */
  toImage(clientX, clientY) {
    const { left, top } = this.#port.getBoundingClientRect();
    return this.#placement.toImage(clientX - left, clientY - top);
  }

  /** The whole picture, as large as it can be. */
  fit() {
    this.#move(() => (this.#placement.fitted = true), { glides: true });
  }

  /** 100 %: one px of the picture is one CSS px. The point (x, y) of the port stays where it is. */
  actual(x = this.#placement.port.width / 2, y = this.#placement.port.height / 2) {
    this.#move(() => this.#placement.zoom(1, x, y), { glides: true });
  }

  zoomIn() {
    this.#step(ZOOM_STEP);
  }

  zoomOut() {
    this.#step(1 / ZOOM_STEP);
  }

  #step(factor) {
    const { scale, port } = this.#placement;
    const next = scale * factor;
    const passesActual = (scale - 1) * (next - 1) < 0;
    this.#move(() => this.#placement.zoom(passesActual ? 1 : next, port.width / 2, port.height / 2), { glides: true });
  }

  #name(label) {
    this.#after.setAttribute("role", "img");
    this.#after.setAttribute("aria-label", label);
  }

  // Where things are drawn ------------------------------------------------------------------------------------------

  #resized() {
    if (this.empty) return;
    // Not the bounding box: the port's size does not depend on what is around it.
    this.#move(() => (this.#placement.port = { width: this.#port.clientWidth, height: this.#port.clientHeight }));
  }

  /** Change the placement and draw it, at once or gliding there. */
  #move(change, { glides = false } = {}) {
    if (this.empty) return;
    const from = this.#placement.view;
    change();
    this.#placement.settle();
    cancelAnimationFrame(this.#glide);
    this.#glide = 0;
    if (glides && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.#glideFrom(from);
    else this.#draw();
    if (from.scale !== this.scale) this.dispatchEvent(new Event("change"));
  }

  #glideFrom(from) {
    const to = this.#placement.view;
    const start = performance.now();
    const frame = (now) => {
      const part = Math.min(1, Math.max(0, now - start) / GLIDE_MS);
      const eased = 1 - (1 - part) ** 3;
      // Scale and offset change alike, so the point that the zoom is about stands still all the way.
      const between = (name) => from[name] + (to[name] - from[name]) * eased;
      this.#glide = part < 1 ? requestAnimationFrame(frame) : 0;
      this.#draw(part < 1 ? { scale: between("scale"), x: between("x"), y: between("y") } : to);
    };
    this.#glide = requestAnimationFrame(frame);
  }

  #changed() {
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  /** Everything on the screen follows from one view, so that photo and cut-out never drift apart. */
  #draw({ scale, x, y } = this.#placement.view) {
    if (this.empty) return;
    const { picture, port } = this.#placement;
    const [width, height] = [picture.width * scale, picture.height * scale];
    this.#world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.#checker.style.clipPath = `inset(${y}px ${port.width - x - width}px ${port.height - y - height}px ${x}px)`;
    this.#checker.style.backgroundPosition = `${x}px ${y}px`;
    this.#port.toggleAttribute("data-pixels", scale >= PIXELS_FROM);
    this.#port.toggleAttribute("data-compare", this.#compare);
    this.#port.dataset.mode = this.#mode;
    // One finger scrolls the page where it could not move the picture.
    const still = width <= port.width + 1 && height <= port.height + 1;
    this.#port.style.touchAction = still && this.#mode === "view" ? "pan-x pan-y" : "none";
    this.#port.toggleAttribute("data-still", still);
    if (this.#before) this.#before.hidden = !this.#compare && this.#mode !== "add";
    this.#drawDivider(x, width, scale);
  }

  #drawDivider(x, width, scale) {
    const [left, right] = this.#span(x, width);
    const photoOnRight = this.#rightToLeft;
    const line = left + (right - left) * (photoOnRight ? 1 - this.#share : this.#share);
    const percent = Math.round(this.#share * 100);
    this.#divider.hidden = !this.#compare;
    this.#divider.style.left = `${line}px`;
    this.#divider.setAttribute("aria-valuenow", String(percent));
    this.#divider.setAttribute(
      "aria-valuetext",
      t("cutout.divider.value", { photo: percent, cutout: 100 - percent }),
    );
    const cut = this.#compare ? (line - x) / scale : null;
    const leftHalf = cut === null ? "" : `inset(0 ${this.#placement.picture.width - cut}px 0 0)`;
    const rightHalf = cut === null ? "" : `inset(0 0 0 ${cut}px)`;
    this.#after.style.clipPath = photoOnRight ? leftHalf : rightHalf;
    if (this.#before) this.#before.style.clipPath = photoOnRight ? rightHalf : leftHalf;
    const rooms = [line - left, right - line];
    if (photoOnRight) rooms.reverse();
    for (const [index, tag] of this.#tags.entries()) tag.hidden = !this.#compare || rooms[index] < TAG_ROOM;
  }

  /** The columns of the port in which the picture is seen, [left, right]. */
  #span(x = this.#placement.x, width = this.#placement.picture.width * this.scale) {
    return [Math.max(0, x), Math.min(this.#placement.port.width, x + width)];
  }

  /** The photo lies on the side where reading begins. */
  get #rightToLeft() {
    return this.#port.matches(":dir(rtl)");
  }

  /** @param {number} share of the visible picture that shows the photo, 0 to 1 */
  #divide(share) {
    this.#share = Math.min(1, Math.max(0, share));
    this.#draw();
  }

  // Gestures --------------------------------------------------------------------------------------------------------

  #listen() {
    const port = this.#port;
    port.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    port.addEventListener("pointermove", (event) => this.#pointerMove(event));
    port.addEventListener("pointerup", (event) => this.#pointerGone(event, "finish"));
    port.addEventListener("pointercancel", (event) => this.#pointerGone(event, "cancel"));
    port.addEventListener("pointerleave", () => {
      if (this.#mode !== "view") this.pen.hover(null);
    });
    for (const type of ["touchstart", "touchmove"]) {
      port.addEventListener(
        type,
        (event) => {
          // Two fingers are ours even where one scrolls the page.
          if (event.touches.length > 1 && event.cancelable) event.preventDefault();
        },
        { passive: false },
      );
    }
    port.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    port.addEventListener("dblclick", (event) => {
      if (this.#mode !== "view" || this.#divider.contains(event.target)) return;
      const { x, y } = this.#inPort(event);
      if (this.scale === 1 && !this.fitted) this.fit();
      else this.actual(x, y);
    });
    port.addEventListener("keydown", (event) => this.#key(event));
    this.#listenToDivider();
  }

  #pointerDown(event) {
    const first = this.#pointers.size === 0;
    if (this.#divider.contains(event.target) || (first && event.button > 1) || this.#pointers.size === 2) return;
    if (event.button === 1) event.preventDefault(); // no automatic scrolling
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#port.setPointerCapture(event.pointerId);
    if (!first) {
      // The first finger of a pinch has drawn a little; a stroke that was meant is older.
      if (this.#drag === "draw") this.#endDrawing(event.timeStamp - this.#drawnSince < 250 ? "cancel" : "finish");
      this.#drag = "pinch";
    } else if (this.#mode !== "view" && event.button === 0) {
      this.#drag = "draw";
      this.#drawnSince = event.timeStamp;
      this.pen.hover(this.#inPort(event));
      this.pen.begin(this.toImage(event.clientX, event.clientY));
    } else {
      this.#drag = "pan";
    }
    this.#port.dataset.drag = this.#drag;
  }

  #pointerMove(event) {
    const place = this.#inPort(event); // read before anything is written: the browser would lay out in between
    if (this.#mode !== "view") this.pen.hover(this.#drag === "pinch" ? null : place);
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.#drag === "draw") {
      const all = event.getCoalescedEvents?.() ?? [];
      const [left, top] = [now.x - place.x, now.y - place.y];
      const points = (all.length ? all : [event]).map(({ clientX, clientY }) =>
        this.#placement.toImage(clientX - left, clientY - top),
      );
      this.pen.extend(points);
    } else if (this.#drag === "pan") {
      this.#move(() => this.#placement.pan(now.x - last.x, now.y - last.y));
    } else if (this.#pointers.size === 2) {
      const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      this.#pinch(other, last, now);
    }
    this.#pointers.set(event.pointerId, now);
  }

  /** One of two fingers went from `last` to `now`: what is between them follows. */
  #pinch(other, last, now) {
    const { left, top } = this.#port.getBoundingClientRect();
    const middle = { x: (other.x + now.x) / 2 - left, y: (other.y + now.y) / 2 - top };
    const apart = (place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
    this.#move(() => {
      this.#placement.pan((now.x - last.x) / 2, (now.y - last.y) / 2);
      this.#placement.zoom((this.scale * apart(now)) / apart(last), middle.x, middle.y);
    });
  }

  #pointerGone(event, how) {
    if (event.pointerType === "touch" && this.#mode !== "view") this.pen.hover(null);
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#drag === "draw") this.#endDrawing(how);
    // After a pinch the finger that stays only moves the picture.
    this.#drag = this.#pointers.size ? "pan" : null;
    if (this.#drag) this.#port.dataset.drag = this.#drag;
    else delete this.#port.dataset.drag;
  }

  #endDrawing(how) {
    this.#drag = null;
    this.pen[how]();
  }

  #endDrag() {
    if (this.#drag === "draw") this.#endDrawing("cancel");
    this.#pointers.clear();
    this.#drag = null;
    delete this.#port.dataset.drag;
  }

  #wheel(event) {
    // A plain wheel scrolls the page until the picture is clicked or focused: nobody gets stuck on the way down.
    const pinch = event.ctrlKey || event.metaKey;
    if (!pinch && !this.#port.matches(":focus-within")) return;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const delta = Math.max(-200, Math.min(200, event.deltaY * lines));
    const zooms = delta < 0 ? this.canZoomIn : this.canZoomOut;
    if (pinch || zooms) event.preventDefault();
    if (!zooms) return;
    const strength = pinch && Math.abs(delta) < 50 ? PINCH_WHEEL_ZOOM : WHEEL_ZOOM;
    const { x, y } = this.#inPort(event);
    this.#move(() => this.#placement.zoom(this.scale * Math.exp(-delta * strength), x, y));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.#port) return;
    const pan = (x, y) => () => this.#move(() => this.#placement.pan(x * KEY_PAN, y * KEY_PAN), { glides: true });
    const actions = {
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(), // where + is shift and =
      "-": () => this.zoomOut(),
      0: () => this.fit(),
      1: () => this.actual(),
    };
    if (!this.#port.hasAttribute("data-still")) {
      Object.assign(actions, {
        ArrowLeft: pan(1, 0),
        ArrowRight: pan(-1, 0),
        ArrowUp: pan(0, 1),
        ArrowDown: pan(0, -1),
      });
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #listenToDivider() {
    const divider = this.#divider;
    const follow = (event) => {
      const [left, right] = this.#span();
      const part = (this.#inPort(event).x - left) / (right - left);
      this.#divide(this.#rightToLeft ? 1 - part : part);
    };
    divider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) follow(event);
    });
    divider.addEventListener("keydown", (event) => {
      const outwards = this.#rightToLeft ? -1 : 1; // the arrows move the line to where they point
      if (event.key in DIVIDER_STEPS) this.#divide(this.#share + (outwards * DIVIDER_STEPS[event.key]) / 100);
      else if (event.key === "Home") this.#divide(0);
      else if (event.key === "End") this.#divide(1);
      else return;
      event.preventDefault();
    });
  }

  #inPort({ clientX, clientY }) {
    const { left, top } = this.#port.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

/** Where the picture lies in its port: its point (x, y) is drawn at (x, y) * scale + offset, CSS px of the port. */
class Placement {
  picture = { width: 1, height: 1 };
  port = { width: 1, height: 1 };
  scale = 1;
  x = 0;
  y = 0;
  fitted = true; // and stays so when the port changes its size

  /** What is drawn: pixels of the picture lie on those of the screen. */
  get view() {
    const snapped = (offset) => Math.round(offset * devicePixelRatio) / devicePixelRatio;
    return { scale: this.scale, x: snapped(this.x), y: snapped(this.y) };
  }

  get fitScale() {
    return Math.max(1e-3, Math.min(this.port.width / this.picture.width, this.port.height / this.picture.height));
  }

  get leastScale() {
    return Math.min(1, this.fitScale);
  }

  get mostScale() {
    return Math.max(MOST_ZOOM, this.fitScale);
  }

  toImage(x, y) {
    const { scale, ...drawn } = this.view;
    return { x: (x - drawn.x) / scale, y: (y - drawn.y) / scale };
  }

  /** Zoom so that what is at (x, y) of the port stays there. */
  zoom(scale, x, y) {
    const next = Math.min(this.mostScale, Math.max(this.leastScale, scale));
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = next === this.fitScale;
  }

  pan(x, y) {
    this.x += x;
    this.y += y;
  }

  /** Keep the port filled, or the picture in its middle where it is smaller. */
  settle() {
    if (this.fitted) this.scale = this.fitScale;
    else this.scale = Math.max(this.leastScale, this.scale);
    this.x = settled(this.x, this.port.width - this.picture.width * this.scale);
    this.y = settled(this.y, this.port.height - this.picture.height * this.scale);
  }
}

/** @param {number} room px that the port has more than the picture; negative where it has less */
function settled(offset, room) {
  return room >= 0 ? room / 2 : Math.min(0, Math.max(room, offset));
}

/** An element that shows `source`, decoded, so that it appears without an empty frame. */
async function layer(source) {
  if (source instanceof HTMLElement) return source;
  if (source instanceof ImageBitmap) {
    const canvas = document.createElement("canvas");
    canvas.width = source.width;
    canvas.height = source.height;
    canvas.getContext("2d").drawImage(source, 0, 0);
    return canvas;
  }
  const image = new Image();
  const address = typeof source === "string" ? source : URL.createObjectURL(source);
  image.src = address;
  try {
    await image.decode();
  } finally {
    if (address !== source) URL.revokeObjectURL(address);
  }
  return image;
}

function made(tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}
