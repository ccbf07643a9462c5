/**
 * What pointers, wheel and keys do to the picture of a viewer: one finger or the mouse moves it, or what can be moved in
 * it, or draws with the pen, two fingers and the wheel zoom.
 */

const WHEEL_ZOOM = 0.002; // per px of the wheel: a notch of 100 px zooms by 1.22
const PINCH_WHEEL_ZOOM = 0.01; // a trackpad's pinch comes as ctrl+wheel with a few px an event
const KEY_PAN = 64; // px an arrow key moves the picture
const KEY_STEP = 0.01; // of the picture's longer side an arrow key moves what is held in it, ten times as far with shift
const PINCH_MS = 250; // a stroke is older when a second finger comes; a younger one was the start of a pinch

/**
 * @typedef {import("./placement.js").Point} Point
 * @typedef {import("./viewer.js").Viewer} Viewer
 */

export class Gestures {
  #port;
  #viewer;
  #divider;
  /** @type {Map<number, Point>} by the pointer's id, client px */
  #pointers = new Map();
  /** @type {"pan" | "place" | "draw" | "pinch" | null} */
  #drag = null;
  #drawnSince = 0;

  /**
   * @param {HTMLElement} port takes the gestures
   * @param {Viewer} viewer
   * @param {import("./divider.js").Divider} divider has gestures of its own
   */
  constructor(port, viewer, divider) {
    this.#port = port;
    this.#viewer = viewer;
    this.#divider = divider;
    port.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    port.addEventListener("pointermove", (event) => this.#pointerMove(event));
    port.addEventListener("pointerup", (event) => this.#pointerGone(event, "finish"));
    port.addEventListener("pointercancel", (event) => this.#pointerGone(event, "cancel"));
    port.addEventListener("pointerleave", () => {
      if (viewer.mode !== "view") viewer.pen?.hover(null);
    });
    const claim = (/** @type {TouchEvent} */ event) => {
      // Two fingers zoom even where one scrolls the page.
      if (event.touches.length > 1 && event.cancelable) event.preventDefault();
    };
    port.addEventListener("touchstart", claim, { passive: false });
    port.addEventListener("touchmove", claim, { passive: false });
    port.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    port.addEventListener("dblclick", (event) => this.#toggleActual(event));
    port.addEventListener("keydown", (event) => this.#key(event));
    for (const end of ["keyup", "blur"]) port.addEventListener(end, () => this.#drag || viewer.held?.finish());
  }

  /** End the stroke that is being drawn, if any. */
  finishDrawing() {
    if (this.#drag === "draw") this.#endDrawing("finish");
  }

  /** End whatever is under way; a stroke is taken back, what is moved is put back. */
  cancel() {
    if (this.#drag === "draw") this.#endDrawing("cancel");
    if (this.#drag === "place") this.#viewer.held?.cancel();
    this.#pointers.clear();
    this.#setDrag(null);
  }

  /** @param {"finish" | "cancel"} how */
  #endDrawing(how) {
    this.#drag = null;
    this.#viewer.pen?.[how]();
  }

  /** @param {"pan" | "place" | "draw" | "pinch" | null} drag */
  #setDrag(drag) {
    this.#drag = drag;
    if (drag) this.#port.dataset.drag = drag;
    else delete this.#port.dataset.drag;
  }

  /** @param {PointerEvent} event */
  #pointerDown(event) {
    const first = this.#pointers.size === 0;
    if (this.#divider.owns(event.target) || (first && event.button > 1) || this.#pointers.size === 2) return;
    if (event.button === 1) event.preventDefault(); // no automatic scrolling
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#port.setPointerCapture(event.pointerId);
    const { mode, pen } = this.#viewer;
    if (!first) {
      if (this.#drag === "draw") this.#endDrawing(event.timeStamp - this.#drawnSince < PINCH_MS ? "cancel" : "finish");
      if (this.#drag === "place") this.#viewer.held?.cancel();
      this.#setDrag("pinch");
    } else if (mode !== "view" && pen && event.button === 0) {
      this.#setDrag("draw");
      this.#drawnSince = event.timeStamp;
      pen.hover(this.#inPort(event));
      pen.begin(this.#viewer.toImage(event.clientX, event.clientY));
    } else {
      const places = this.#viewer.movable && event.button === 0;
      if (places) this.#viewer.hold(this.#inPort(event));
      this.#setDrag(places ? "place" : "pan");
    }
  }

  /** @param {PointerEvent} event */
  #pointerMove(event) {
    const place = this.#inPort(event); // read before anything is written: the browser would lay out in between
    const { mode, pen } = this.#viewer;
    if (mode !== "view") pen?.hover(this.#drag === "pinch" ? null : place);
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.#drag === "draw") {
      const all = event.getCoalescedEvents?.() ?? [];
      const corner = { x: now.x - place.x, y: now.y - place.y };
      const places = (all.length ? all : [event]).map(({ clientX, clientY }) => ({
        x: clientX - corner.x,
        y: clientY - corner.y,
      }));
      pen?.extend(places.map((each) => this.#viewer.toPhoto(each)));
    } else if (this.#drag === "place") {
      const { held, scale } = this.#viewer;
      held?.move((now.x - last.x) / scale, (now.y - last.y) / scale, true);
    } else if (this.#drag === "pan") {
      this.#viewer.move((placement) => placement.pan(now.x - last.x, now.y - last.y));
    } else if (this.#pointers.size === 2) {
      for (const [id, other] of this.#pointers) if (id !== event.pointerId) this.#pinch(other, last, now);
    }
    this.#pointers.set(event.pointerId, now);
  }

  /**
   * Move and zoom when one of two fingers went from `last` to `now`: what is between them follows. All are client px.
   * @param {Point} other
   * @param {Point} last
   * @param {Point} now
   */
  #pinch(other, last, now) {
    const middle = this.#inPort({ clientX: (other.x + now.x) / 2, clientY: (other.y + now.y) / 2 });
    const apart = (/** @type {Point} */ place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
    this.#viewer.move((placement) => {
      placement.pan((now.x - last.x) / 2, (now.y - last.y) / 2);
      placement.zoom((placement.scale * apart(now)) / apart(last), middle);
    });
  }

  /** @param {PointerEvent} event @param {"finish" | "cancel"} how what becomes of a stroke, or of what is moved */
  #pointerGone(event, how) {
    if (event.pointerType === "touch" && this.#viewer.mode !== "view") this.#viewer.pen?.hover(null);
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#drag === "draw") this.#endDrawing(how);
    if (this.#drag === "place") this.#viewer.held?.[how]();
    this.#setDrag(this.#pointers.size ? "pan" : null); // after a pinch the finger that stays only moves the picture
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    // A plain wheel scrolls the page until the picture is clicked or focused: scrolling past it stays possible.
    const pinch = event.ctrlKey || event.metaKey;
    if (!pinch && !this.#port.matches(":focus-within")) return;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const delta = Math.max(-200, Math.min(200, event.deltaY * lines));
    const zooms = delta < 0 ? this.#viewer.canZoomIn : this.#viewer.canZoomOut;
    if (pinch || zooms) event.preventDefault();
    if (!zooms) return;
    const strength = pinch && Math.abs(delta) < 50 ? PINCH_WHEEL_ZOOM : WHEEL_ZOOM;
    const about = this.#inPort(event);
    this.#viewer.move((placement) => placement.zoom(placement.scale * Math.exp(-delta * strength), about));
  }

  /** Switch between 100 % and the whole picture. @param {MouseEvent} event */
  #toggleActual(event) {
    const viewer = this.#viewer;
    if (viewer.mode !== "view" || this.#divider.owns(event.target)) return;
    if (viewer.scale === 1 && !viewer.fitted) viewer.fit();
    else viewer.actual(this.#inPort(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.#port) return;
    const viewer = this.#viewer;
    const { width, height } = viewer.placement.picture;
    const step = (event.shiftKey ? -10 : -1) * KEY_STEP * Math.max(width, height);
    const pan = (/** @type {number} */ x, /** @type {number} */ y) => () =>
      viewer.movable
        ? viewer.held?.move(x * step, y * step, false)
        : viewer.move((placement) => placement.pan(x * KEY_PAN, y * KEY_PAN), { glides: true });
    /** @type {Record<string, () => void>} */
    const actions = {
      "+": () => viewer.zoomIn(),
      "=": () => viewer.zoomIn(), // where + is shift and =
      "-": () => viewer.zoomOut(),
      0: () => viewer.fit(),
      1: () => viewer.actual(),
    };
    /** @type {Record<string, () => void>} */
    const arrows = { ArrowLeft: pan(1, 0), ArrowRight: pan(-1, 0), ArrowUp: pan(0, 1), ArrowDown: pan(0, -1) };
    const action = actions[event.key] ?? (viewer.still && !viewer.movable ? null : arrows[event.key]);
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** Convert px of the window to px of the port. @param {{clientX: number, clientY: number}} place @returns {Point} */
  #inPort({ clientX, clientY }) {
    const { left, top } = this.#port.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}
