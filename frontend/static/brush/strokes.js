/**
 * The strokes on one photo, from one cut-out to the next. A brushworker.js of their own keeps and draws them; it starts
 * with the first cut-out that is drawn on.
 */

import { Remote } from "../workers/remote.js";

const WORKER = new URL("./brushworker.js", import.meta.url);

/** @typedef {import("./history.js").Stroke} Stroke */

/** What the worker sends. @typedef {{patch?: import("./history.js").Patch, done?: string, state?: State}} Message */

/** @typedef {{canUndo: boolean, canRedo: boolean, edited: boolean}} State edited: strokes are on the picture */

/** @type {State} */
export const NO_STROKES = { canUndo: false, canRedo: false, edited: false };

export class Strokes {
  /** Called when `state` may have changed. */
  onchange = () => {};
  /** @type {(patch: import("./history.js").Patch) => void} called with each part of the picture that has changed */
  onpatch = () => {};
  /** @type {State} */
  state = NO_STROKES;
  /** @type {Remote | null} */
  #worker = null;
  /** @type {{x: number, y: number}[]} points that are drawn when the worker is through with those before */
  #waiting = [];
  #busy = false; // the worker draws

  /** @param {Blob} photo */
  constructor(photo) {
    this.photo = photo;
  }

  /** Whether there are strokes, undone ones included. */
  get any() {
    return this.state.edited || this.state.canRedo;
  }

  /**
   * Draw the strokes on another cut-out of the photo, and go on with that.
   * @param {Blob} cutout
   * @returns {Promise<void>}
   */
  open(cutout) {
    return this.#ask("open", { photo: this.photo, cutout });
  }

  /**
   * Draw them on a smaller picture of a cut-out.
   * @param {ImageBitmap} bitmap is closed
   * @returns {Promise<ImageBitmap>}
   */
  preview(bitmap) {
    return this.#ask("preview", { bitmap });
  }

  /** @returns {Promise<Stroke[]>} */
  async list() {
    return this.state.edited ? this.#ask("strokes") : [];
  }

  /** @returns {Promise<Blob | null>} the picture with the strokes as PNG; null without any */
  file() {
    return this.#ask("file");
  }

  /** Begin a stroke. @param {{mode: "add" | "erase", radius: number}} brush radius: px of the picture */
  begin(brush) {
    this.#tell("begin", brush);
  }

  /** Draw it through these points. @param {{x: number, y: number}[]} points px of the picture */
  extend(points) {
    this.#waiting.push(...points);
    if (!this.#busy) this.#draw();
  }

  finish() {
    this.#draw();
    this.#tell("finish");
  }

  /** Take the stroke back that was begun. */
  cancel() {
    this.#waiting = [];
    this.#tell("cancel");
  }

  /** Forget the points that still wait. */
  drop() {
    this.#waiting = [];
  }

  undo() {
    this.#tell("undo");
  }

  redo() {
    this.#tell("redo");
  }

  /** Forget the strokes; calls that are under way are given up. */
  close() {
    this.#worker?.close();
  }

  #draw() {
    this.#busy = true;
    this.#tell("extend", { points: this.#waiting });
    this.#waiting = [];
  }

  /** @param {string} name @param {object} [values] */
  #ask(name, values) {
    this.#worker ??= this.#start();
    return this.#worker.ask(name, values);
  }

  /** @param {string} name @param {object} [values] */
  #tell(name, values) {
    this.#worker?.tell(name, values);
  }

  #start() {
    return new Remote(WORKER, (/** @type {Message} */ { patch, done, state }) => {
      if (patch) this.onpatch(patch);
      if (!state) return;
      this.state = state;
      if (done === "extend") {
        this.#busy = false;
        if (this.#waiting.length) this.#draw();
      }
      this.onchange();
    });
  }
}

/**
 * Draw strokes on a cut-out beside whatever is shown or drawn on meanwhile.
 * @param {Blob} photo
 * @param {Blob} cutout transparent, of the same size
 * @param {Stroke[]} strokes
 * @returns {Promise<Blob>} PNG
 */
export async function drawnOn(photo, cutout, strokes) {
  const worker = new Remote(WORKER);
  try {
    return await worker.ask("draw", { photo, cutout, strokes });
  } finally {
    worker.close();
  }
}
