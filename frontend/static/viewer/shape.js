/** Where a cut-out is: tells whether it is seen at a place. Looks at small copies, so that a press never waits. */

const WIDTH = 512; // px of the copy of a file
const SIDE = 8; // px of the copy of what is near a place
const LEAST = 24; // of 255: a fainter pixel looks empty

/** @typedef {import("./placement.js").Point} Point px of the cut-out */

export class Shape {
  /** @type {Blob | null} */
  #file = null;
  /** @type {ImageBitmap | null} of the file, once it is read */
  #copy = null;

  /** Read the cut-out's file, beside the page. @param {Blob} file */
  async read(file) {
    if (file === this.#file) return;
    this.#file = file;
    this.#copy = null;
    const copy = await createImageBitmap(file, { resizeWidth: WIDTH }).catch(() => null);
    if (file === this.#file) this.#copy = copy;
  }

  /**
   * Return whether the cut-out is seen near a point; it counts as seen until its file is read.
   * @param {HTMLElement} element shows it, as large as it is: an image of the file, or canvases that were drawn on
   * @param {Point} point
   * @param {number} reach how near, px of the cut-out
   */
  isNear(element, { x, y }, reach) {
    const canvases = element.querySelectorAll("canvas");
    const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
    if (!context || (!canvases.length && !this.#copy)) return true;
    const scale = SIDE / (2 * reach);
    context.setTransform(scale, 0, 0, scale, (reach - x) * scale, (reach - y) * scale);
    for (const canvas of canvases) context.drawImage(canvas, canvas.offsetLeft, canvas.offsetTop);
    if (!canvases.length && this.#copy) {
      context.drawImage(this.#copy, 0, 0, element.offsetWidth, element.offsetHeight);
    }
    return context.getImageData(0, 0, SIDE, SIDE).data.some((value, at) => at % 4 === 3 && value >= LEAST);
  }
}
