/** The cursor of a brush: a ring of its size. Its inside is clear, its middle lies on the pointer. */

import { make } from "../elements.js";

const SHOW_SIZE_MS = 900;

export class Cursor {
  #port;
  #ring = make("div", { className: "brush-ring", hidden: true });
  #timer = 0;
  #over = false; // a pointer is over the port

  /** @param {HTMLElement} port what is drawn on; gets the ring */
  constructor(port) {
    this.#port = port;
    port.append(this.#ring);
  }

  /** Follow the pointer; with null there is none. @param {{x: number, y: number} | null} place px of the port */
  follow(place) {
    this.#over = place !== null;
    this.#ring.hidden = !place;
    if (place) this.#ring.style.translate = `${place.x}px ${place.y}px`;
  }

  /** @param {number} size CSS px */
  resize(size) {
    this.#ring.style.inlineSize = `${size}px`;
    this.#ring.style.blockSize = `${size}px`;
  }

  /** Show the ring in the middle for a moment, so that a new size is seen while no pointer is there. */
  showSize() {
    if (this.#over) return;
    clearTimeout(this.#timer);
    const { clientWidth, clientHeight } = this.#port;
    this.#ring.style.translate = `${clientWidth / 2}px ${clientHeight / 2}px`;
    this.#ring.hidden = false;
    this.#timer = setTimeout(() => {
      this.#ring.hidden = !this.#over;
    }, SHOW_SIZE_MS);
  }
}
