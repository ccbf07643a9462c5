/** Elements that lie in the picture where the photo does. */

import { make } from "../elements.js";

/**
 * @typedef {object} Place where photo and cut-out lie in the picture: their px (x, y) at (x, y) * scale + offset
 * @property {number} width of the photo, px
 * @property {number} height of the photo, px
 * @property {number} x px of the picture
 * @property {number} y px of the picture
 * @property {number} scaleX
 * @property {number} scaleY
 */

/**
 * Return an element that shows another, which is as large as the photo, in its place.
 * @param {HTMLElement} element
 * @param {Place} place
 */
export function placed(element, { width, height, x, y, scaleX, scaleY }) {
  const frame = make("div", { className: "viewer-placed" });
  Object.assign(frame.style, { width: `${width}px`, height: `${height}px` });
  frame.style.transform = `translate(${x}px, ${y}px) scale(${scaleX}, ${scaleY})`;
  frame.append(element);
  return frame;
}
