/** Moves the cut-out on its canvas, by hand: the viewer tells how far, and shows it until the picture is made anew. */

import { moved } from "../compose/moving.js";

/**
 * What can be moved.
 * @typedef {object} Movable
 * @property {import("../compose/placing.js").Size} size of the photo, px
 * @property {import("../compose/placing.js").Box} box around cut-out and outline, px of the photo
 * @property {import("../compose/fields.js").Finish} finish
 */

export class Mover {
  /** @type {(position: string) => void} called with the place where it was let go, as the interface writes it */
  onmoved = () => {};
  #viewer;
  /** @type {Movable | null} */
  #what = null;
  #by = { x: 0, y: 0 };
  /** @type {string | null} where it is now; null while it was not moved */
  #position = null;

  /** @param {import("../viewer/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    viewer.mover = this;
  }

  /** Whether there is a cut-out on a canvas. */
  get able() {
    return this.#what !== null;
  }

  /** @param {Movable | null} what null where there is no canvas to move it on */
  take(what) {
    this.#what = what;
    this.#reset();
  }

  /** @param {number} x px of the picture @param {number} y px of the picture @param {boolean} snaps to the middle */
  move(x, y, snaps) {
    if (!this.#what) return;
    this.#by = { x: this.#by.x + x, y: this.#by.y + y };
    const { size, box, finish } = this.#what;
    const { position, by } = moved(size, box, finish, this.#by, snaps);
    this.#position = position;
    this.#viewer.shift = by;
  }

  /** Leave it where it is. */
  finish() {
    const [position, before] = [this.#position, this.#what?.finish.position];
    this.#reset();
    if (position && position !== before) this.onmoved(position);
  }

  /** Put it back. */
  cancel() {
    this.#reset();
    this.#viewer.shift = { x: 0, y: 0 };
  }

  #reset() {
    this.#by = { x: 0, y: 0 };
    this.#position = null;
  }
}
