/** The picture that a brush draws on, one CSS px per px, in canvases that the browser uploads one by one. */

import { make } from "../elements.js";
import { TILE, tiles } from "./tiles.js";

/** @typedef {import("./tiles.js").Area} Area */

export class Sheet {
  element = make("div", { className: "brush-picture" });
  #columns;
  #tiles;

  /** @param {number} width px @param {number} height px */
  constructor(width, height) {
    this.#columns = Math.ceil(width / TILE);
    this.#tiles = tiles(width, height).map((area) => ({ area, context: contextFor(area) }));
    this.element.append(...this.#tiles.map(({ context }) => context.canvas));
  }

  /** @param {import("./history.js").Patch} patch within one tile */
  put({ x, y, width, height, data }) {
    const { context } = this.#tiles[Math.floor(y / TILE) * this.#columns + Math.floor(x / TILE)];
    context.putImageData(new ImageData(data, width, height), x % TILE, y % TILE);
  }

  /**
   * Stretch the tiles by less than a px of the screen, so that they meet between two of them. Where they meet within
   * one, browsers draw half of it, or round to all or nothing, one tile so and the next otherwise: a line is seen.
   * @param {import("../viewer/viewer.js").Seen} seen
   */
  meet({ x, y, scaleX, scaleY }) {
    for (const { area, context } of this.#tiles) {
      const [left, right] = [area.x, area.x + area.width].map((place) => between(place, x, scaleX));
      const [top, bottom] = [area.y, area.y + area.height].map((place) => between(place, y, scaleY));
      const move = `translate(${left - area.x}px, ${top - area.y}px)`;
      context.canvas.style.transform = `${move} scale(${(right - left) / area.width}, ${(bottom - top) / area.height})`;
    }
  }
}

/**
 * Return the nearest place that lies between two px of the screen.
 * @param {number} place px of the picture
 * @param {number} offset px of the screen
 * @param {number} scale px of the screen per px of the picture
 */
function between(place, offset, scale) {
  return (Math.round(offset + place * scale) - offset) / scale;
}

/** @param {Area} tile */
function contextFor({ x, y, width, height }) {
  const canvas = make("canvas", { width, height });
  canvas.style.left = `${x}px`;
  canvas.style.top = `${y}px`;
  const context = canvas.getContext("2d", { willReadFrequently: true }); // in main memory, where the changes come from
  if (!context) throw new Error("no canvas for a picture");
  return context;
}
