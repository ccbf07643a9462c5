/** How long what is done one after the other will still take, by how long the latest of it took. Pure. */

const LATEST = 5; // photos that count: the first ones may have been cut out before
const LEAST = 3; // photos, before anything is said
const MINUTE = 60; // s
const COARSE = 5; // s: nobody needs to know it to the second

export class Pace {
  /** @type {number[]} when each was done, ms, after the time of the start */
  #times;

  /** @param {number} now ms */
  constructor(now) {
    this.#times = [now];
  }

  /** One more is done. @param {number} now ms */
  done(now) {
    this.#times.push(now);
  }

  /**
   * Return the time that the others will take; null while too little is known.
   * @param {number} count of the others
   * @returns {{unit: "seconds" | "minutes", count: number} | null} rounded up
   */
  left(count) {
    if (this.#times.length <= LEAST || !count) return null;
    const latest = this.#times.slice(-LATEST - 1);
    const seconds = ((latest[latest.length - 1] - latest[0]) / (latest.length - 1) / 1000) * count;
    if (seconds > MINUTE - COARSE) return { unit: "minutes", count: Math.ceil(seconds / MINUTE) };
    return { unit: "seconds", count: Math.max(1, Math.ceil(seconds / COARSE)) * COARSE };
  }
}
