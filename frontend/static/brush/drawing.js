/**
 * A stroke as it is drawn: "add" brings the photo's own pixels back, "erase" takes alpha away. Works a tile at a time,
 * so that a stroke keeps, and shows, only what is under it. It may stop at the edges of the photo.
 */

import { Edges } from "./edges.js";
import { Ink } from "./ink.js";

/**
 * @typedef {import("./history.js").Patch} Patch
 * @typedef {import("./picture.js").Picture} Picture
 * @typedef {import("./tiles.js").Area} Area
 * @typedef {{x: number, y: number}} Point px of the picture
 */

/**
 * A pixel takes the strongest dab that passes over it, not their sum: strokes that cross
 * themselves keep a soft edge.
 */
export class Drawing {
  #picture;
  #mode;
  #radius;
  /** @type {Edges | null} that the stroke follows */
  #edges;
  /** @type {Point[]} */
  #path = [];
  /** @type {Map<Area, Ink>} by tile */
  #inks = new Map();

  /**
   * @param {Picture} picture
   * @param {import("./history.js").Tip} tip radius: px of the picture
   */
  constructor(picture, { mode, radius, edges }) {
    this.#picture = picture;
    this.#mode = mode;
    this.#radius = radius;
    this.#edges = edges ? new Edges(picture, radius, (tile) => this.#inkOn(tile).photo) : null;
  }

  /**
   * Draw a stroke of before again, to the same bits.
   * @param {Picture} picture
   * @param {import("./history.js").Stroke} stroke
   */
  static again(picture, stroke) {
    const drawing = new Drawing(picture, stroke);
    for (const point of stroke.path) drawing.#to(point);
    return drawing;
  }

  /** @returns {import("./history.js").Stroke} */
  get stroke() {
    return { mode: this.#mode, radius: this.#radius, edges: this.#edges !== null, path: this.#path };
  }

  /** @param {Point[]} points */
  through(points) {
    for (const [index, point] of points.entries()) {
      const last = this.#path.at(-1);
      // Nearer than that, a straight line shows no corner.
      const near = last && Math.hypot(point.x - last.x, point.y - last.y) < this.#radius / 4;
      if (!near || index === points.length - 1) this.#to(point);
    }
  }

  /** @returns {Patch[]} what has changed since the last call */
  changes() {
    return [...this.#inks.values()].flatMap((ink) => ink.changes());
  }

  /** @returns {Patch[]} the pixels that were there before, where any is another now */
  replaced() {
    return [...this.#inks.values()].filter((ink) => ink.changed).map((ink) => ink.replaced());
  }

  /** @param {Point} point */
  #to(point) {
    const from = this.#path.at(-1) ?? point;
    const length = Math.hypot(point.x - from.x, point.y - from.y);
    // Pieces: the bounding box of a long slanted line is mostly empty.
    const pieces = Math.max(1, Math.ceil(length / (2 * this.#radius)));
    for (let piece = 0; piece < pieces; piece++) {
      this.#line(between(from, point, piece / pieces), between(from, point, (piece + 1) / pieces));
    }
    this.#path.push(point);
  }

  /** @param {Point} from @param {Point} to */
  #line(from, to) {
    const [left, right] = [Math.min(from.x, to.x) - this.#radius, Math.max(from.x, to.x) + this.#radius];
    const [top, bottom] = [Math.min(from.y, to.y) - this.#radius, Math.max(from.y, to.y) + this.#radius];
    const tiles = this.#picture.under(left, top, right, bottom);
    if (!tiles.length) return;
    const belonging = this.#edges?.along(from, to) ?? null;
    for (const tile of tiles) this.#inkOn(tile).line(from, to, this.#radius, belonging);
  }

  /** @param {Area} tile */
  #inkOn(tile) {
    const ink = this.#inks.get(tile) ?? new Ink(this.#picture, tile, this.#mode === "add");
    this.#inks.set(tile, ink);
    return ink;
  }
}

/** @param {Point} from @param {Point} to @param {number} share of the way, 0 to 1 */
function between(from, to, share) {
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
