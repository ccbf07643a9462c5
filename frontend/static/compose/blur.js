/**
 * The photo out of focus, without what is kept, so that no halo of it shows around it. The server's rule: normalised
 * convolution (Knutsson and Westin 1993), the blur of colour times weight divided by the blur of the weight, which is 0
 * where the photo is kept or transparent. Made small: detail finer than the blur would be lost anyhow. Pure.
 */

const SHARE = 0.015; // of the longer side: the radius where none is asked for
const MOST = 500; // px
const REACH = 3; // standard deviations after which a Gaussian is cut off
const FLOOR = 1e-3; // what is kept counts so little that it is seen only where there is nothing else far around

/** @typedef {import("../files/png.js").Pixels} Pixels straight RGBA */

/** Return the radius of a blurred background, px. @param {string} background @param {number} width @param {number} height */
export function radiusOf(background, width, height) {
  const [, radius] = background.split(":");
  return Math.max(radius ? Number(radius) : Math.min(SHARE * Math.max(width, height), MOST), 1);
}

/**
 * Blur a photo.
 * @param {Pixels} cutout its alpha is what is kept
 * @param {(top: number, bottom: number) => Uint8ClampedArray} photo gives rows of it, RGBA
 * @param {number} radius standard deviation of the Gaussian, px of the photo
 * @returns {Pixels & {cell: number}} opaque; each pixel stands for a square of the photo with sides of `cell` px
 */
export function blurred({ width, height, data }, photo, radius) {
  const cell = Math.max(2, Math.trunc(radius));
  const [columns, rows] = [Math.ceil(width / cell), Math.ceil(height / cell)];
  const sums = new Float32Array(columns * rows * 4); // colour times weight, and the weight
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [row * cell, Math.min((row + 1) * cell, height)];
    const pixels = photo(top, bottom);
    for (let y = top; y < bottom; y++) {
      for (let x = 0; x < width; x++) {
        const at = ((y - top) * width + x) * 4;
        const weight = pixels[at + 3] * (255 - data[(y * width + x) * 4 + 3] + 255 * FLOOR);
        const to = (row * columns + Math.trunc(x / cell)) * 4;
        sums[to] += pixels[at] * weight;
        sums[to + 1] += pixels[at + 1] * weight;
        sums[to + 2] += pixels[at + 2] * weight;
        sums[to + 3] += weight;
      }
    }
  }
  for (let at = 0; at < sums.length; at++) {
    const [x, y] = [(at >> 2) % columns, Math.trunc((at >> 2) / columns)];
    sums[at] /= (Math.min(width, (x + 1) * cell) - x * cell) * (Math.min(height, (y + 1) * cell) - y * cell);
  }
  // The mean of a cell is a part of the blur already.
  const taps = bell(Math.sqrt((radius / cell) ** 2 - (1 - 1 / cell ** 2) / 12));
  const down = convolved(sums, rows, columns * 4, 1, columns * 4, taps);
  const both = convolved(down, columns, 4, rows, columns * 4, taps);
  const small = new Uint8ClampedArray(both.length);
  for (let at = 0; at < both.length; at += 4) {
    const weight = Math.max(both[at + 3], 1e-3);
    for (let channel = at; channel < at + 3; channel++) small[channel] = both[channel] / weight;
    small[at + 3] = 255;
  }
  return { width: columns, height: rows, data: small, cell };
}

/** @param {number} deviation */
function bell(deviation) {
  const reach = Math.ceil(REACH * deviation);
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, at) =>
    Math.exp(-((at - reach) ** 2) / (2 * deviation ** 2)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/**
 * Convolve along one direction; beyond the edge the last cell goes on.
 * @param {Float32Array} cells
 * @param {number} count of cells in that direction
 * @param {number} step from one of them to the next
 * @param {number} lines how many there are
 * @param {number} stride from one line to the next
 * @param {Float64Array} taps
 */
function convolved(cells, count, step, lines, stride, taps) {
  const result = new Float32Array(cells.length);
  const reach = (taps.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    for (let at = 0; at < count; at++) {
      for (let tap = 0; tap < taps.length; tap++) {
        const from = line * stride + Math.min(Math.max(at + tap - reach, 0), count - 1) * step;
        const to = line * stride + at * step;
        for (let value = 0; value < step; value++) result[to + value] += cells[from + value] * taps[tap];
      }
    }
  }
  return result;
}
