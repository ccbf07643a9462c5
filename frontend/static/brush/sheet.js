/** The picture that a brush draws on, one CSS px per px, in canvases that the browser uploads one by one. */

import { make } from "../elements.js";
import { TILE, tiles } from "./tiles.js";

export class Sheet {
  element = make("div", { className: "brush-picture" });
  #columns;
  #contexts;

  /** @param {number} width px @param {number} height px */
  constructor(width, height) {
    this.#columns = Math.ceil(width / TILE);
    this.#contexts = tiles(width, height).map(contextFor);
    this.element.append(...this.#contexts.map((context) => context.canvas));
  }

  /** @param {import("./history.js").Patch} patch within one tile */
  put({ x, y, width, height, data }) {
    const context = this.#contexts[Math.floor(y / TILE) * this.#columns + Math.floor(x / TILE)];
    context.putImageData(new ImageData(data, width, height), x % TILE, y % TILE);
  }
}

/** @param {import("./tiles.js").Area} tile */
function contextFor({ x, y, width, height }) {
  const canvas = make("canvas", { width, height });
  canvas.style.left = `${x}px`;
  canvas.style.top = `${y}px`;
  const context = canvas.getContext("2d", { willReadFrequently: true }); // in main memory, where the changes come from
  if (!context) throw new Error("no canvas for a picture");
  return context;
}
