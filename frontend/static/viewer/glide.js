/** A short animation from one view of a picture to another. */

const GLIDE_MS = 160;

/** @typedef {import("./placement.js").View} View */

export class Glide {
  #frame = 0; // the animation frame asked for, or 0

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /**
   * Draw views from one to another, a frame at a time; at once where a person wants no motion.
   * @param {View} from
   * @param {View} to
   * @param {(view: View) => void} draw
   */
  start(from, to, draw) {
    this.stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      draw(to);
      return;
    }
    const start = performance.now();
    const frame = (/** @type {number} */ now) => {
      const share = Math.min(1, Math.max(0, now - start) / GLIDE_MS);
      this.#frame = share < 1 ? requestAnimationFrame(frame) : 0;
      draw(share < 1 ? between(from, to, 1 - (1 - share) ** 3) : to);
    };
    this.#frame = requestAnimationFrame(frame);
  }
}

/**
 * Interpolate scale and offset alike: the point that the zoom is about does not move.
 * @param {View} from
 * @param {View} to
 * @param {number} share of the way, 0 to 1
 */
function between(from, to, share) {
  return {
    scale: from.scale + (to.scale - from.scale) * share,
    x: from.x + (to.x - from.x) * share,
    y: from.y + (to.y - from.y) * share,
  };
}
