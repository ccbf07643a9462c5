/**
 * A round, soft brush on the final cut-out: "add" brings the photo's own pixels back, "erase" takes alpha away.
 * Strokes belong to the photo: they are drawn again on its next cut-out. All work on pixels happens in brushworker.js;
 * this side takes the gestures and shows what has changed.
 */

import { TILE, tiles } from "./tiles.js";
import { begin } from "./workers.js";

const SIZES = { least: 4, most: 240 }; // diameter, CSS px
const SIZE_STEP = 1.2;
const LEAST_RADIUS = 0.75; // px of the picture: a dab always meets the centre of a pixel
const SHOW_SIZE_MS = 900;
const NO_STROKES = { canUndo: false, canRedo: false, edited: false };

/**
 * Draws on the picture of a viewer, as its pen. Dispatches "change" when what can be edited or undone changes, and
 * "failed" when the picture cannot be read for editing.
 */
export class Brush extends EventTarget {
  #viewer;
  #ring = ring();
  #ringTimer = 0;
  #over = false; // a pointer is over the port
  #size = 48;
  #photo = null; // the Blob whose strokes these are
  #kept = new Map(); // of other photos that were drawn on: Blob → {worker, told}
  #worker = null; // WorkerLink, from the first time on that this photo's cut-out is drawn on
  #told = NO_STROKES; // by the worker
  #source = null; // {photo, cutout} of the last offer
  #editable = false;
  #opening = null; // the promise of what is read for editing
  #sheet = null; // Sheet, once the picture is read
  #drawing = false;
  #waiting = []; // points that the worker is asked to draw when it is through with those before
  #busy = false; // the worker draws

  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    super();
    this.#viewer = viewer;
    viewer.pen = this;
    viewer.port.append(this.#ring);
    this.size = this.#size;
    viewer.addEventListener("change", () => {
      if (viewer.mode !== "view") this.#edit();
    });
  }

  /**
   * Whether the viewer's picture can be edited: a final, transparent cut-out of the full photo. One that is cropped,
   * made smaller or on a background has no pixel of the photo behind each of its own, or no alpha to change.
   */
  get canEdit() {
    return this.#editable && this.#viewer.final;
  }

  get canUndo() {
    return this.canEdit && this.#told.canUndo;
  }

  get canRedo() {
    return this.canEdit && this.#told.canRedo;
  }

  /** Whether strokes are on the picture that was offered. */
  get edited() {
    return this.#editable && this.#told.edited;
  }

  /** Whether there are strokes that wait for a picture that can be edited. */
  get setAside() {
    return this.#source !== null && !this.#editable && this.#told.edited;
  }

  get sizes() {
    return SIZES;
  }

  /** Diameter, CSS px on the screen: zooming in makes finer strokes. */
  get size() {
    return this.#size;
  }

  set size(wanted) {
    this.#size = Math.round(Math.min(SIZES.most, Math.max(SIZES.least, wanted)));
    this.#ring.style.inlineSize = this.#ring.style.blockSize = `${this.#size}px`;
    if (!this.#over) this.#showSize();
    this.#changed();
  }

  larger() {
    this.size = Math.max(this.#size + 1, this.#size * SIZE_STEP);
  }

  smaller() {
    this.size = Math.min(this.#size - 1, this.#size / SIZE_STEP);
  }

  /**
   * Make this the picture to edit, before the viewer shows it. The strokes on an earlier cut-out of the photo are drawn
   * on it; without any, nothing is decoded before the viewer's mode asks for it.
   *
   * @param {{blob: Blob, width: number, height: number} | null} photo px, upright; null if it cannot be shown
   * @param {{blob: Blob, width: number, height: number, transparent: boolean}} cutout px
   * @returns {Promise<HTMLElement | null>} shows the picture with its strokes; null without any
   */
  async offer(photo, cutout) {
    this.finish();
    this.#leave();
    if (photo && photo.blob !== this.#photo) this.#turnTo(photo.blob);
    const source = (this.#source = { photo, cutout });
    this.#editable =
      photo !== null && cutout.transparent && photo.width === cutout.width && photo.height === cutout.height;
    this.#changed();
    if (!this.#drawn) return null;
    await this.#open();
    return this.#source === source && this.edited ? (this.#sheet?.element ?? null) : null;
  }

  /**
   * Draw the strokes on a preview of the photo's next cut-out.
   *
   * @param {ImageBitmap} bitmap of the whole photo
   * @param {Blob} photo
   * @returns {Promise<ImageBitmap>} the same one where there is nothing to draw, or it cannot be drawn
   */
  async sketch(bitmap, photo) {
    if (photo !== this.#photo || !this.#told.edited) return bitmap;
    return this.#worker.ask("preview", { bitmap }).catch(() => bitmap);
  }

  /** Leave the picture; its strokes wait for the photo's next cut-out. */
  clear() {
    this.finish();
    this.#viewer.mode = "view";
    this.#leave();
    this.#changed();
  }

  /** Forget the strokes on a photo. @param {Blob} photo */
  forget(photo) {
    this.#kept.get(photo)?.worker.close();
    this.#kept.delete(photo);
    if (photo !== this.#photo) return;
    this.#leave();
    this.#worker?.close();
    this.#begin(null);
  }

  /**
   * The strokes on a photo, as they are now.
   *
   * @param {Blob} photo
   * @returns {Promise<import("./history.js").Stroke[]>}
   */
  async strokesOn(photo) {
    const own = { worker: this.#worker, told: this.#told };
    const { worker, told } = photo === this.#photo ? own : (this.#kept.get(photo) ?? {});
    return told?.edited ? worker.ask("strokes") : [];
  }

  /** As far as no stroke is being drawn: its pixels are not yet in the history. */
  undo() {
    if (this.canEdit && !this.#drawing) this.#worker?.tell("undo");
  }

  redo() {
    if (this.canEdit && !this.#drawing) this.#worker?.tell("redo");
  }

  /**
   * The picture with its strokes at full size; every pixel they did not touch is the offered one, bit for bit.
   *
   * @returns {Promise<Blob | null>} PNG; null without a stroke. Rejects with an AbortError if the photo is forgotten.
   */
  async toBlob() {
    await this.#opening;
    return this.#sheet && this.#worker.ask("file");
  }

  // The viewer's pen ------------------------------------------------------------------------------------------------

  begin(point) {
    if (!this.#sheet?.ready) return;
    this.#drawing = true;
    const radius = Math.max(LEAST_RADIUS, this.#size / 2 / this.#viewer.scale);
    this.#worker.tell("begin", { mode: this.#viewer.mode, radius });
    this.extend([point]);
  }

  extend(points) {
    if (!this.#drawing) return;
    this.#waiting.push(...points);
    if (!this.#busy) this.#drawWaiting();
  }

  finish() {
    if (!this.#drawing) return;
    this.#drawWaiting();
    this.#worker.tell("finish");
    this.#drawing = false;
  }

  cancel() {
    if (!this.#drawing) return;
    this.#waiting = [];
    this.#worker.tell("cancel");
    this.#drawing = false;
  }

  hover(place) {
    this.#over = place !== null;
    this.#ring.hidden = !place;
    if (place) this.#ring.style.translate = `${place.x}px ${place.y}px`;
  }

  #drawWaiting() {
    this.#busy = true;
    this.#worker.tell("extend", { points: this.#waiting });
    this.#waiting = [];
  }

  /** Show the ring in the middle for a moment, so that a new size is seen while no pointer is there. */
  #showSize() {
    clearTimeout(this.#ringTimer);
    if (this.#viewer.mode === "view") return;
    const { clientWidth, clientHeight } = this.#viewer.port;
    this.#ring.style.translate = `${clientWidth / 2}px ${clientHeight / 2}px`;
    this.#ring.hidden = false;
    this.#ringTimer = setTimeout(() => (this.#ring.hidden = !this.#over), SHOW_SIZE_MS);
  }

  // The picture -----------------------------------------------------------------------------------------------------

  /** Whether the worker keeps strokes, be they undone. */
  get #drawn() {
    return this.#told.edited || this.#told.canRedo;
  }

  /** Show the picture that strokes are drawn on. */
  async #edit() {
    if (!this.#editable) this.#viewer.mode = "view";
    await this.#open();
    if (this.#sheet && !this.#sheet.element.isConnected) this.#viewer.swap(this.#sheet.element);
  }

  /** Read the photo and the cut-out, where they can be edited. */
  async #open() {
    if (this.#editable) await (this.#opening ??= this.#read(this.#source));
  }

  async #read(source) {
    const { photo, cutout } = source;
    this.#viewer.port.ariaBusy = "true";
    try {
      this.#photo = photo.blob;
      this.#worker ??= this.#link();
      const sheet = (this.#sheet = new Sheet(cutout.width, cutout.height));
      await this.#worker.ask("open", { behind: photo.blob, cutout: cutout.blob });
      sheet.ready = true;
    } catch (problem) {
      if (this.#source !== source) return;
      if (this.#drawn) this.#leave();
      else this.forget(this.#photo); // the next picture has another try
      this.#source = source;
      this.#viewer.mode = "view";
      this.#changed();
      this.dispatchEvent(new Event("failed"));
      console.warn(problem); // no memory for it, or sizes that are not what they were said to be
    } finally {
      if (this.#source === source) this.#viewer.port.ariaBusy = null;
    }
  }

  /** Put the strokes of the photo before aside, and go on with those of this one. */
  #turnTo(photo) {
    if (this.#drawn) this.#kept.set(this.#photo, { worker: this.#worker, told: this.#told });
    else this.#worker?.close();
    this.#begin(photo);
  }

  #begin(photo) {
    const { worker = null, told = NO_STROKES } = this.#kept.get(photo) ?? {};
    this.#kept.delete(photo);
    this.#photo = photo;
    this.#worker = worker;
    this.#told = told;
    this.#busy = false;
    this.#changed();
  }

  #link() {
    const link = new WorkerLink((data) => {
      if (link === this.#worker) this.#hear(data);
    });
    return link;
  }

  #hear({ patch, order, told }) {
    if (patch) this.#sheet?.put(patch);
    if (!told) return;
    this.#told = told;
    if (order === "extend") {
      this.#busy = false;
      if (this.#waiting.length) this.#drawWaiting();
    }
    this.#changed();
  }

  #leave() {
    this.#source = this.#opening = this.#sheet = null;
    this.#editable = this.#drawing = false;
    this.#waiting = [];
    this.#viewer.port.ariaBusy = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * A cut-out with strokes on it, beside whatever is shown or drawn on meanwhile.
 *
 * @param {Blob} photo
 * @param {Blob} cutout transparent, of the same size
 * @param {import("./history.js").Stroke[]} strokes
 * @returns {Promise<Blob>} PNG
 */
export async function drawnOn(photo, cutout, strokes) {
  const link = new WorkerLink(() => {});
  try {
    return await link.ask("draw", { behind: photo, cutout, strokes });
  } finally {
    link.close();
  }
}

/** Shows a picture, one CSS px per px, in canvases that the browser uploads one by one. */
class Sheet {
  element = document.createElement("div");
  ready = false; // the picture is read
  #columns;
  #contexts;

  constructor(width, height) {
    this.element.className = "brush-picture";
    this.#columns = Math.ceil(width / TILE);
    // In main memory, where the changes come from: no GPU is waited for.
    this.#contexts = tiles(width, height).map((tile) => canvas(tile).getContext("2d", { willReadFrequently: true }));
    this.element.append(...this.#contexts.map((context) => context.canvas));
  }

  /** @param {import("./history.js").Patch} patch within one tile */
  put({ x, y, width, height, data }) {
    const context = this.#contexts[Math.floor(y / TILE) * this.#columns + Math.floor(x / TILE)];
    context.putImageData(new ImageData(data, width, height), x % TILE, y % TILE);
  }
}

/** Gives orders to a brushworker.js of its own, which carries them out one after the other. */
class WorkerLink {
  #worker;
  #asked = new Map(); // serial → {resolve, reject}
  #serial = 0;

  /** @param {(data: object) => void} hear takes every message of the worker */
  constructor(hear) {
    const done = (data) => {
      hear(data);
      if ("serial" in data) this.#done(data);
    };
    this.#worker = begin("brushworker.js", done, (problem) => this.#fail(problem));
  }

  /** Give an order whose answer nobody waits for. */
  tell(order, values = {}) {
    this.#worker.post({ order, serial: this.#serial++, ...values });
  }

  /** @returns {Promise<any>} its answer; rejects with an AbortError when closed meanwhile */
  ask(order, values = {}) {
    return new Promise((resolve, reject) => {
      this.#asked.set(this.#serial, { resolve, reject });
      this.tell(order, values);
    });
  }

  /** Whatever is still asked for is given up. */
  close() {
    this.#worker.terminate();
    this.#fail(new DOMException("The photo was left.", "AbortError"));
  }

  #done({ serial, order, answer, error }) {
    const asked = this.#asked.get(serial);
    this.#asked.delete(serial);
    const problem = error && new Error(`${order}: ${error.name}: ${error.message}`);
    if (!problem) asked?.resolve(answer);
    else if (asked) asked.reject(problem);
    else throw problem;
  }

  #fail(problem) {
    for (const { reject } of this.#asked.values()) reject(problem);
    this.#asked.clear();
  }
}

function canvas({ x, y, width, height }) {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  return element;
}

/** The cursor; its inside is clear, its middle lies on the pointer. */
function ring() {
  const element = document.createElement("div");
  element.className = "brush-ring";
  element.hidden = true;
  return element;
}
