/** The objects of the photo that is shown: their outlines on it, and previews of those that are taken. */

import { FoundObjects } from "./found.js";
import { ObjectsView } from "./view.js";

/**
 * @typedef {import("./found.js").Detected} Detected
 * @typedef {{blob: Blob, width: number, height: number}} Photo px, upright
 */

export class ShownObjects {
  #found = new FoundObjects();
  #view;
  /** @type {Photo | null} as this browser can show it; null while it is not known to, or has no objects yet */
  photo = null;

  /** @param {Element} container as for ObjectsView */
  constructor(container) {
    this.#view = new ObjectsView(container);
  }

  /** Lies on the photo, exactly. */
  get layer() {
    return this.#view.layer;
  }

  /** @param {(taken: Set<number>) => void} listener called when a person takes or leaves an object */
  set onchange(listener) {
    this.#view.onchange = listener;
  }

  /** @returns {Set<number>} ids */
  get taken() {
    return this.#view.taken;
  }

  set taken(ids) {
    this.#view.taken = ids;
  }

  /**
   * Outline objects. Rejects as FoundObjects.open does.
   * @param {Blob} blob the upright photo
   * @param {Promise<Detected>} detected
   * @param {() => Set<number>} taken called when the outlines are there
   */
  async open(blob, detected, taken) {
    const outlines = await this.#found.open(blob, detected);
    const known = await detected;
    this.photo = { blob, width: known.width, height: known.height };
    this.#view.show(known, outlines, taken());
  }

  /**
   * Outline other objects of the same photo. Rejects where `open` failed.
   * @param {Detected} detected
   * @param {Set<number>} taken
   */
  async reopen(detected, taken) {
    this.#view.show(detected, await this.#found.reopen(detected), taken);
  }

  clear() {
    this.photo = null;
    this.#view.clear();
    this.#found.close();
  }

  /**
   * Outline what the final cut-out keeps, until other objects are taken.
   * @param {Blob} cutout transparent, as large as the photo
   */
  settle(cutout) {
    this.#view.settle(cutout);
  }

  /** Write the objects' names again: the person's words for them may be known later than the objects. */
  name() {
    this.#view.name();
  }

  /**
   * Draw what is taken from the masks that the page has already.
   * @param {unknown} invert whether it is what is left of the photo
   * @returns {Promise<ImageBitmap | null>} null where that cannot be, or a later preview took its place
   */
  async preview(invert) {
    return this.photo ? this.#found.preview(this.taken, { invert }).catch(() => null) : null;
  }
}
