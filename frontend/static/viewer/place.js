/** Where the photo lies in the picture: elements there, and the way back from the picture to the photo. */

import { turnedBack } from "../compose/turn.js";
import { make } from "../elements.js";

/**
 * @typedef {object} Place where photo and cut-out lie in the picture: their px (x, y) at (x, y) * scale + offset, turned before
 * @property {number} width of the photo, px
 * @property {number} height of the photo, px
 * @property {number} x px of the picture
 * @property {number} y px of the picture
 * @property {number} scaleX
 * @property {number} scaleY
 * @property {import("../compose/turn.js").Turn | null} [turn]
 */

/**
 * Return an element that shows another, which is as large as the photo, in its place.
 * @param {HTMLElement} element
 * @param {Place} place
 */
export function placed(element, { width, height, x, y, scaleX, scaleY, turn }) {
  const frame = make("div", { className: "viewer-placed" });
  Object.assign(frame.style, { width: `${width}px`, height: `${height}px` });
  frame.style.transform = `translate(${x}px, ${y}px) scale(${scaleX}, ${scaleY}) ${turn ? turning(turn) : ""}`;
  frame.append(element);
  return frame;
}

/** @param {import("../compose/turn.js").Turn} turn */
function turning({ degrees, from, to }) {
  return `translate(${to[0]}px, ${to[1]}px) rotate(${degrees}deg) translate(${-from[0]}px, ${-from[1]}px)`;
}

/**
 * Convert px of the picture to px of the photo.
 * @param {import("./placement.js").Point} point
 * @param {Place} place
 * @returns {import("./placement.js").Point}
 */
export function toPhoto(point, { x, y, scaleX, scaleY, turn }) {
  const [across, down] = [(point.x - x) / scaleX, (point.y - y) / scaleY];
  return turn ? turnedBack([across, down], turn) : { x: across, y: down };
}
