/** Moves the picture behind the cut-out, by hand: it is shown where it is moved to, and the file follows. */

import { slid, slides } from "../compose/moving.js";

/**
 * @typedef {object} Slidable
 * @property {HTMLImageElement} image fills the finished picture
 * @property {import("../compose/placing.js").Size} room of the finished picture, px
 * @property {string} position `x% y%`: how much of its overflow goes from left and top
 */

export class Backdrop {
  /** @type {(position: string) => void} called with the position in which it was let go */
  onmoved = () => {};
  /** @type {Slidable | null} */
  #what = null;
  #by = { x: 0, y: 0 };
  #position = ""; // now

  /** @param {import("../viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    viewer.backdrop = this;
  }

  /** Whether there is a picture that does not fit the room. */
  get able() {
    return this.#what !== null && slides(sizeOf(this.#what.image), this.#what.room);
  }

  /** @param {Slidable | null} what null where there is none */
  take(what) {
    this.#what = what;
    this.#reset();
  }

  /** @param {number} x px of the finished picture @param {number} y px of it @param {boolean} snaps to the middle */
  move(x, y, snaps) {
    if (!this.#what) return;
    const { image, room, position } = this.#what;
    this.#by = { x: this.#by.x + x, y: this.#by.y + y };
    this.#position = slid(sizeOf(image), room, position, this.#by, snaps);
    image.style.objectPosition = this.#position;
  }

  /** Leave it where it is. */
  finish() {
    if (!this.#what || this.#position === this.#what.position) return;
    this.take({ ...this.#what, position: this.#position });
    this.onmoved(this.#position);
  }

  /** Put it back. */
  cancel() {
    this.#reset();
    if (this.#what) this.#what.image.style.objectPosition = this.#position;
  }

  #reset() {
    this.#by = { x: 0, y: 0 };
    this.#position = this.#what?.position ?? "";
  }
}

/** @param {HTMLImageElement} image */
function sizeOf({ naturalWidth: width, naturalHeight: height }) {
  return { width, height };
}
