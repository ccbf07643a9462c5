/** Where a picture lies in the port that shows it, and how zoom and panning move it there. Pure. */

const MOST_ZOOM = 16;

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{scale: number, x: number, y: number}} View the picture's (x, y) is drawn at (x, y) * scale + offset
 */

/** Sizes of the picture in px of the picture, of the port in CSS px; scale in CSS px per px of the picture. */
export class Placement {
  picture = { width: 1, height: 1 };
  port = { width: 1, height: 1 };
  scale = 1;
  x = 0;
  y = 0;
  fitted = true; // and stays so when the port changes its size
  #pixelRatio;

  /** @param {() => number} pixelRatio px of the screen per CSS px, now */
  constructor(pixelRatio = () => 1) {
    this.#pixelRatio = pixelRatio;
  }

  /** What is drawn: pixels of the picture lie on those of the screen. @returns {View} */
  get view() {
    const ratio = this.#pixelRatio();
    return { scale: this.scale, x: Math.round(this.x * ratio) / ratio, y: Math.round(this.y * ratio) / ratio };
  }

  get fitScale() {
    return Math.max(1e-3, Math.min(this.port.width / this.picture.width, this.port.height / this.picture.height));
  }

  get leastScale() {
    return Math.min(1, this.fitScale);
  }

  get mostScale() {
    return Math.max(MOST_ZOOM, this.fitScale);
  }

  /** The middle of the port. @returns {Point} */
  get middle() {
    return { x: this.port.width / 2, y: this.port.height / 2 };
  }

  /** Convert CSS px of the port to px of the picture. @param {Point} place @returns {Point} */
  toImage({ x, y }) {
    const { scale, ...drawn } = this.view;
    return { x: (x - drawn.x) / scale, y: (y - drawn.y) / scale };
  }

  /**
   * Return the columns of the port in which the picture is seen: left, right.
   * @param {Pick<View, "scale" | "x">} view
   */
  span({ scale, x } = this) {
    return [Math.max(0, x), Math.min(this.port.width, x + this.picture.width * scale)];
  }

  /** Zoom so that what is at a point of the port stays there. @param {number} scale @param {Point} about */
  zoom(scale, { x, y }) {
    const next = Math.min(this.mostScale, Math.max(this.leastScale, scale));
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = next === this.fitScale;
  }

  /** Zoom about the middle; a step that passes 100 % ends there. @param {number} factor */
  step(factor) {
    const next = this.scale * factor;
    const passesActual = (this.scale - 1) * (next - 1) < 0;
    this.zoom(passesActual ? 1 : next, this.middle);
  }

  /** @param {number} x @param {number} y CSS px */
  pan(x, y) {
    this.x += x;
    this.y += y;
  }

  /** Keep the port filled, or the picture in its middle where it is smaller. */
  settle() {
    if (this.fitted) this.scale = this.fitScale;
    else this.scale = Math.max(this.leastScale, this.scale);
    this.x = settled(this.x, this.port.width - this.picture.width * this.scale);
    this.y = settled(this.y, this.port.height - this.picture.height * this.scale);
  }
}

/**
 * @param {number} offset
 * @param {number} room px that the port has more than the picture; negative where it has less
 */
function settled(offset, room) {
  return room >= 0 ? room / 2 : Math.min(0, Math.max(room, offset));
}
