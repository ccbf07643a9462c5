/**
 * The objects that were found in a photo, ready to be outlined and cut out on the page itself.
 * All work on pixels happens in maskworker.js; this side only calls it, and drops answers that came too late.
 */

import { Remote } from "../workers/remote.js";

/** @typedef {import("../server/photos.js").Detected} Detected */

/** By id: the outline as SVG path data, in px of the upright photo. @typedef {Map<number, {path: string}>} Outlines */

/** The name of the error when the browser cannot decode a photo, or not as the server did: it cannot be previewed. */
export const UNREADABLE = "UnreadablePhoto";

export class FoundObjects {
  /** @type {Remote | null} */
  #worker = null;
  /** @type {Promise<unknown>} settles when the worker is free to draw the next preview */
  #drawing = Promise.resolve();
  #latest = 0; // number of the latest preview

  /**
   * Replace the photo and its objects. The photo is decoded while they are still awaited.
   * @param {Blob} blob the photo, upright where the browser shows it
   * @param {Detected | Promise<Detected>} detected
   * @returns {Promise<Outlines>} rejects with an error named UNREADABLE, with an AbortError when closed or opened again
   *   meanwhile, or with another error when the worker fails or does not start
   */
  async open(blob, detected) {
    this.close();
    const worker = new Remote(new URL("./maskworker.js", import.meta.url));
    this.#worker = worker;
    const reading = worker.ask("read", { blob });
    reading.catch(() => {}); // awaited below
    const known = await detected;
    await reading;
    if (this.#worker !== worker) throw closed();
    return worker.ask("open", { detected: known });
  }

  /**
   * Outline other objects of the photo that is open.
   * @param {Detected} detected
   * @returns {Promise<Outlines>} rejects when the worker fails
   */
  async reopen(detected) {
    if (!this.#worker) throw closed();
    return this.#worker.ask("open", { detected });
  }

  /**
   * Draw the cut-out of some objects. Only the latest call is answered with a picture; one that has a later one behind
   * it, or that is closed meanwhile, resolves to null. Call it after `open` has resolved.
   * @param {Iterable<number>} ids of the objects that are taken
   * @param {{invert?: unknown}} options invert: what is left of the photo without them
   * @returns {Promise<ImageBitmap | null>} shaped as the photo, longer side at most 1200 px; close it when it is shown
   */
  async preview(ids, { invert = false } = {}) {
    this.#latest++;
    const own = this.#latest;
    const wanted = [...ids];
    await this.#drawing; // one at a time: of many that wait, only the last is drawn
    if (this.#latest !== own || !this.#worker) return null;
    const answer = this.#worker.ask("preview", { ids: wanted, invert });
    this.#drawing = answer.catch(() => {});
    try {
      const picture = await answer;
      if (this.#latest === own) return picture;
      picture.close();
    } catch (error) {
      if (this.#latest === own) throw error;
    }
    return null;
  }

  /** Free the photo and its masks; calls that are under way are given up. */
  close() {
    this.#worker?.close();
    this.#worker = null;
    this.#latest++;
  }
}

function closed() {
  return new DOMException("The photo was closed.", "AbortError");
}
