/**
 * Pictures in another size: Lanczos with three lobes on premultiplied colour, wider where a picture is made smaller.
 * Pillow's rule and its rounding (`Image.resize` with `LANCZOS`), so that server and page make the same pixels. Pure.
 */

const LOBES = 3;

/**
 * @typedef {import("../files/png.js").Pixels & {x: number, y: number}} Part of a plane, at x, y; straight RGBA. Around it
 *   all is transparent
 * @typedef {import("./placing.js").Placing} Placing
 * @typedef {{first: number, weights: Float64Array}} Taps weights of the part's cells from `first` on
 */

/**
 * Draw what a picture shows of a plane.
 * @param {Part} part
 * @param {Placing} placing
 * @returns {import("../files/png.js").Pixels} colour is zero wherever alpha is
 */
export function resampled(part, { width, height, corner, scale, limits }) {
  const [x0, y0, x1, y1] = limits ?? [-Infinity, -Infinity, Infinity, Infinity];
  const across = taps(width, corner[0], scale[0], [x0, x1], [part.x, part.x + part.width]);
  const down = taps(height, corner[1], scale[1], [y0, y1], [part.y, part.y + part.height]);
  const rows = new Uint8ClampedArray(part.height * width * 4);
  const line = new Uint8ClampedArray(part.width * 4);
  for (let y = 0; y < part.height; y++) {
    premultiply(line, part.data.subarray(y * part.width * 4, (y + 1) * part.width * 4));
    for (let x = 0; x < width; x++) weigh(rows, (y * width + x) * 4, line, across[x].first * 4, 4, across[x]);
  }
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      weigh(data, (y * width + x) * 4, rows, (down[y].first * width + x) * 4, width * 4, down[y]);
    }
  }
  unmultiply(data);
  return { width, height, data };
}

/**
 * Return what each cell of a picture takes of a part of the plane, in one direction.
 * @param {number} count of cells
 * @param {number} corner where the first begins, px of the plane
 * @param {number} scale px of the plane per cell
 * @param {number[]} limits beyond which nothing counts
 * @param {number[]} part beyond which all is transparent
 * @returns {Taps[]}
 */
export function taps(count, corner, scale, limits, part) {
  const stretch = Math.max(scale, 1);
  return Array.from({ length: count }, (_, cell) => {
    const centre = corner + (cell + 0.5) * scale;
    const first = Math.max(Math.floor(centre - LOBES * stretch + 0.5), limits[0]);
    const last = Math.min(Math.floor(centre + LOBES * stretch + 0.5), limits[1]);
    const weights = Float64Array.from({ length: last - first }, (_, at) =>
      lanczos((at + first - centre + 0.5) / stretch),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const [from, to] = [Math.max(part[0] - first, 0), Math.max(part[1] - first, 0)];
    return { first: first + from - part[0], weights: weights.subarray(from, to).map((weight) => weight / sum) };
  });
}

/** @param {number} x */
function lanczos(x) {
  return Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Write one pixel: the weighted sum of others.
 * @param {Uint8ClampedArray} to
 * @param {number} at
 * @param {Uint8ClampedArray} from
 * @param {number} start
 * @param {number} step from one to the next
 * @param {Taps} taps
 */
function weigh(to, at, from, start, step, { weights }) {
  let red = 0;
  let green = 0;
  let blue = 0;
  let alpha = 0;
  for (let tap = 0, place = start; tap < weights.length; tap++, place += step) {
    const weight = weights[tap];
    red += from[place] * weight;
    green += from[place + 1] * weight;
    blue += from[place + 2] * weight;
    alpha += from[place + 3] * weight;
  }
  to[at] = red;
  to[at + 1] = green;
  to[at + 2] = blue;
  to[at + 3] = alpha;
}

/** Multiply colour by alpha. @param {Uint8ClampedArray} to RGBA @param {Uint8ClampedArray} from RGBA */
export function premultiply(to, from) {
  for (let at = 0; at < from.length; at += 4) {
    const alpha = from[at + 3];
    to[at] = (from[at] * alpha) / 255;
    to[at + 1] = (from[at + 1] * alpha) / 255;
    to[at + 2] = (from[at + 2] * alpha) / 255;
    to[at + 3] = alpha;
  }
}

/** Divide colour by alpha, in place. @param {Uint8ClampedArray} data RGBA */
export function unmultiply(data) {
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    if (alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel++) {
      data[channel] = alpha && Math.min(255, Math.trunc((255 * data[channel]) / alpha));
    }
  }
}
