/**
 * What stands behind a cut-out in the finished picture: a colour, another picture that fills the room, or the photo
 * itself out of focus.
 */

import { transform } from "./placing.js";

/**
 * @typedef {import("./fields.js").Finish} Finish
 * @typedef {import("./placing.js").Placing} Placing
 * @typedef {import("./placing.js").Size} Size
 */

/** Where the server has another picture. */
export const CENTRED = "50% 50%";

/** Rows of what stands behind a picture, RGBA. @typedef {(top: number, bottom: number) => Uint8ClampedArray} Rows */

/** What stands behind a picture that is placed like that. @typedef {(placing: Placing) => Rows} Behind */

/** Return the colour behind a cut-out; null for none: JPEG has no transparency. @param {Finish} finish */
export function colourBehind({ background, format }) {
  if (background && /^(white$|#)/.test(background)) return background;
  return format === "jpeg" ? "white" : null;
}

/** Read a colour. @param {string} colour `white` or `#rrggbb` @returns {number[]} red, green, blue, 0 to 255 */
export function rgb(colour) {
  const number = Number.parseInt(colour === "white" ? "ffffff" : colour.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** A colour. @param {number[]} colour @returns {Behind} */
export function plain([red, green, blue]) {
  const [pixel] = new Uint32Array(Uint8ClampedArray.of(red, green, blue, 255).buffer);
  return ({ width }) =>
    (top, bottom) =>
      new Uint8ClampedArray(new Uint32Array((bottom - top) * width).fill(pixel).buffer);
}

/**
 * Another picture, made to fill the room, its overflow cropped.
 * @param {ImageBitmap} other
 * @param {string} [position] `x% y%`: how much of the overflow goes from left and top
 * @returns {Behind}
 */
export function covering(other, position = CENTRED) {
  const [left, top] = position.split(" ").map((share) => Number.parseFloat(share) / 100);
  return (room) => {
    const [width, height] = covered(other, room);
    return drawn(room.width, (context) =>
      context.drawImage(other, (room.width - width) * left, (room.height - height) * top, width, height),
    );
  };
}

/** Return the width and height at which a picture fills the room. @param {Size} picture @param {Size} room */
export function covered(picture, room) {
  const scale = Math.max(room.width / picture.width, room.height / picture.height);
  return [picture.width * scale, picture.height * scale];
}

/**
 * The photo out of focus; beyond it there is nothing.
 * @param {OffscreenCanvas} small each of its pixels stands for a square of the photo
 * @param {number} cell side of that square, px of the photo
 * @param {Size} photo
 * @returns {Behind}
 */
export function outOfFocus(small, cell, photo) {
  return (placing) => {
    const { x, y, scaleX, scaleY } = transform(placing);
    const [across, down] = [photo.width * scaleX, photo.height * scaleY];
    return drawn(placing.width, (context) =>
      context.drawImage(small, 0, 0, photo.width / cell, photo.height / cell, x, y, across, down),
    );
  };
}

/** @param {number} width @param {(context: OffscreenCanvasRenderingContext2D) => void} draw @returns {Rows} */
function drawn(width, draw) {
  return (top, bottom) => {
    const context = new OffscreenCanvas(width, bottom - top).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas for a background");
    context.imageSmoothingQuality = "high";
    context.translate(0, -top);
    draw(context);
    return context.getImageData(0, 0, width, bottom - top).data;
  };
}
