/**
 * The strokes on one photo, from one cut-out to the next. A brushworker.js of their own keeps and draws them; it starts
 * with the first cut-out that is drawn on.
 */

import { Remote } from "../workers/remote.js";

const WORKER = new URL("./brushworker.js", import.meta.url);

const DRAWN = new Set(["finish", "undo", "redo"]); // calls after which the picture may be another

/** @typedef {import("./history.js").Stroke} Stroke */
/** @typedef {import("../compose/fields.js").Finish} Finish */

/** What the worker sends. @typedef {{patch?: import("./history.js").Patch, done?: string, state?: State}} Message */

/**
 * @typedef {object} State
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 * @property {boolean} edited strokes are on the picture
 * @property {import("../compose/placing.js").Box | null} box around what is left of the cut-out; null too until it is read
 */

/** @type {State} */
export const NO_STROKES = { canUndo: false, canRedo: false, edited: false, box: null };

export class Strokes {
  /** Called when `state` may have changed. */
  onchange = () => {};
  /** @type {(patch: import("./history.js").Patch) => void} called with each part of the picture that has changed */
  onpatch = () => {};
  /** Called when a stroke is on the picture, or no longer. */
  ondrawn = () => {};
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

  /** Call `onpatch` with every part of the picture. */
  async show() {
    await this.#ask("show");
  }

  /** @param {Finish} finish @returns {Promise<import("./brushworker.js").Layers>} */
  layers(finish) {
    return this.#ask("layers", { finish });
  }

  /** @param {Finish} finish @returns {Promise<Blob | null>} the finished picture; null where it is the cut-out as it came */
  file(finish) {
    return this.#ask("file", { finish });
  }

  /** Begin a stroke. @param {import("./history.js").Tip} tip */
  begin(tip) {
    this.#tell("begin", tip);
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

  /** Leave the picture: forget the points that still wait, and its box. */
  drop() {
    this.#waiting = [];
    this.state = { ...this.state, box: null };
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
      if (done && DRAWN.has(done)) this.ondrawn();
    });
  }
}

/**
 * Finish a cut-out beside whatever is shown or drawn on meanwhile.
 * @param {Blob | null} photo null where this browser cannot show it
 * @param {Blob} cutout transparent, of the same size
 * @param {Stroke[]} strokes on the photo
 * @param {Finish} finish
 * @returns {Promise<Blob>}
 */
export function finished(photo, cutout, strokes, finish) {
  return beside(photo, cutout, strokes, async (worker) => (await worker.ask("file", { finish })) ?? cutout);
}

/**
 * Draw what lies below a cut-out that cannot be drawn on.
 * @param {Blob} cutout transparent
 * @param {Finish} finish
 * @returns {Promise<import("./brushworker.js").Layers>}
 */
export function layersOf(cutout, finish) {
  return beside(null, cutout, [], (worker) => worker.ask("layers", { finish }));
}

/**
 * @template T
 * @param {Blob | null} photo
 * @param {Blob} cutout
 * @param {Stroke[]} strokes
 * @param {(worker: Remote) => Promise<T>} run
 */
async function beside(photo, cutout, strokes, run) {
  const worker = new Remote(WORKER);
  try {
    await worker.ask("open", { photo, cutout, strokes });
    return await run(worker);
  } finally {
    worker.close();
  }
}
