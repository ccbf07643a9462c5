/**
 * The objects that were found in a photo, ready to be outlined and cut out on the page itself.
 * All work on pixels happens in maskworker.js; this side only asks, and drops answers that came too late.
 */

import { begin } from "./workers.js";

/** The browser cannot decode the photo, or not as the server did: there is nothing to draw a preview from. */
export class UnreadablePhoto extends Error {
  name = "UnreadablePhoto";
}

/**
 * @typedef {object} Detected what `/detect` answers
 * @property {number} width of the upright photo, px
 * @property {number} height of the upright photo, px
 * @property {{id: number, label: string, score: number, box: number[],
 *   mask: {size: [number, number], counts: string}}[]} objects
 */

export class FoundObjects {
  #worker = null;
  #waiting = new Map(); // serial → {resolve, reject}
  #serial = 0;
  #drawing = Promise.resolve(); // settles when the worker is free to draw the next preview
  #latest = null;

  /**
   * Take a photo and its objects in the place of those before. The photo is decoded while they are still awaited.
   * @param {Blob} blob the photo, upright where the browser shows it
   * @param {Detected | Promise<Detected>} detected
   * @returns {Promise<Map<number, {path: string}>>} by id: the outline as SVG path data, in px of the upright photo.
   *   Rejects with UnreadablePhoto, with an AbortError when closed or opened anew meanwhile, or with another error when
   *   the worker fails or does not start.
   */
  async open(blob, detected) {
    this.close();
    const worker = begin("maskworker.js", (data) => this.#answered(data), (problem) => this.#failed(problem));
    this.#worker = worker;
    const reading = this.#ask("read", { blob });
    reading.catch(() => {}); // awaited below
    const known = await detected;
    await reading;
    if (this.#worker !== worker) throw closed();
    return this.#ask("open", { detected: known });
  }

  /**
   * Draw the cut-out of some objects. Only the latest call is answered with a picture; one that has a later one behind
   * it, or that is closed meanwhile, resolves to null. Call it after `open` has resolved.
   * @param {Iterable<number>} ids of the objects that are taken
   * @param {{invert?: boolean}} options invert: what is left of the photo without them
   * @returns {Promise<ImageBitmap | null>} shaped as the photo, longer side at most 1200 px; close it when it is shown
   */
  async preview(ids, { invert = false } = {}) {
    const own = (this.#latest = Symbol("preview"));
    const wanted = [...ids];
    await this.#drawing; // one at a time: of many that wait, only the last is drawn
    if (this.#latest !== own) return null;
    const answer = this.#ask("preview", { ids: wanted, invert });
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

  /** Let go of the photo and its masks; whatever is still asked for is given up. */
  close() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#latest = null;
    this.#failed(closed());
  }

  #ask(ask, values) {
    return new Promise((resolve, reject) => {
      const serial = this.#serial++;
      this.#waiting.set(serial, { resolve, reject });
      this.#worker.post({ serial, ask, ...values });
    });
  }

  #answered({ serial, answer, error }) {
    const asked = this.#waiting.get(serial);
    this.#waiting.delete(serial);
    if (!error) asked?.resolve(answer);
    else asked?.reject(error.name === "UnreadablePhoto" ? new UnreadablePhoto(error.message) : new Error(error.message));
  }

  #failed(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function closed() {
  return new DOMException("The photo was closed.", "AbortError");
}
