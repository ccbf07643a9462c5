/**
 * The pixels of a cut-out that is turned: bilinear on premultiplied colour, with Pillow's rounding (`Image.transform` with
 * `BILINEAR`), so that server and page make the same ones. By multiples of 90 degrees they are moved and stay as they
 * are. Pure.
 */

import { premultiply, unmultiply } from "./resample.js";
import { direction } from "./turn.js";

/**
 * @typedef {import("../files/png.js").Pixels} Pixels straight RGBA
 * @typedef {import("./placing.js").Box} Box
 * @typedef {import("./resample.js").Part} Part
 * @typedef {import("./turn.js").Turn} Turn
 */

/**
 * Turn a cut-out.
 * @param {Pixels} cutout
 * @param {Box} box around it
 * @param {Turn} turn of this box
 * @returns {Part} all of it
 */
export function turned(cutout, box, turn) {
  return turn.degrees % 90 === 0 ? moved(cutout, box, turn) : resampled(cutout, box, turn);
}

/** @param {Pixels} cutout @param {Box} box @param {Turn} turn by a multiple of 90 degrees @returns {Part} */
function moved({ width, data }, [x0, y0, x1, y1], { degrees, to }) {
  const quarters = (degrees / 90 + 4) % 4;
  const [across, down] = quarters % 2 ? [y1 - y0, x1 - x0] : [x1 - x0, y1 - y0];
  const part = emptyPart(to[0] - across / 2, to[1] - down / 2, across, down);
  const [source, result] = [data, part.data].map(wholePixels);
  // Where the first px comes from, and from one to the next in a row and in a column.
  const [first, right, below] = [
    [y0 * width + x0, 1, width],
    [(y1 - 1) * width + x0, -width, 1],
    [(y1 - 1) * width + x1 - 1, -1, -width],
    [y0 * width + x1 - 1, width, -1],
  ][quarters];
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) result[y * across + x] = source[first + x * right + y * below];
  }
  return part;
}

/** @param {Pixels} cutout @param {Box} box @param {Turn} turn by another angle @returns {Part} */
function resampled(cutout, box, { degrees, from }) {
  const source = framed(cutout, box);
  const [most, lowest] = [source.width - 1, source.height - 1];
  const [cos, sin] = direction(degrees);
  const [wide, high] = [most * Math.abs(cos) + lowest * Math.abs(sin), most * Math.abs(sin) + lowest * Math.abs(cos)];
  const [left, top] = [Math.floor(from[0] - wide / 2), Math.floor(from[1] - high / 2)];
  const part = emptyPart(left, top, Math.ceil(from[0] + wide / 2) - left, Math.ceil(from[1] + high / 2) - top);
  const { width, height, data } = part;
  const [pixels, result] = [source.data, new Uint8Array(data.buffer)]; // whose values are cut off, not rounded
  const stride = source.width * 4;
  for (let y = 0; y < height; y++) {
    const down = top + y + 0.5 - from[1];
    // Plain loops and values: with an array for each pixel it takes several times as long.
    const [u0, v0] = [sin * down + from[0] - source.x - 0.5, cos * down + from[1] - source.y - 0.5];
    for (let x = 0, to = y * width * 4; x < width; x++, to += 4) {
      const across = left + x + 0.5 - from[0];
      const u = u0 + cos * across; // between the centres of four px
      const v = v0 - sin * across;
      if (u < 0 || v < 0 || u >= most || v >= lowest) continue;
      const column = Math.floor(u);
      const row = Math.floor(v);
      const right = u - column;
      const below = v - row;
      const at = row * stride + column * 4;
      const next = at + stride;
      for (let channel = 0; channel < 4; channel++) {
        const one = pixels[at + channel];
        const other = pixels[next + channel];
        const upper = one + (pixels[at + channel + 4] - one) * right;
        const lower = other + (pixels[next + channel + 4] - other) * right;
        result[to + channel] = upper + (lower - upper) * below;
      }
    }
  }
  unmultiply(data);
  return part;
}

/** Return what is in a box, with a px around it that is transparent; premultiplied. @param {Pixels} cutout @param {Box} box */
function framed({ width, data }, [x0, y0, x1, y1]) {
  const part = emptyPart(x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2);
  for (let y = y0; y < y1; y++) {
    const to = ((y - part.y) * part.width + 1) * 4;
    const line = part.data.subarray(to, to + (x1 - x0) * 4);
    premultiply(line, data.subarray((y * width + x0) * 4, (y * width + x1) * 4));
  }
  return part;
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @returns {Part} */
function emptyPart(x, y, width, height) {
  return { x, y, width, height, data: new Uint8ClampedArray(width * height * 4) };
}

/** @param {Uint8ClampedArray} data RGBA */
function wholePixels(data) {
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
}
