/**
 * The shadow below a cut-out: one that falls on what is behind, or one on the ground that it stands on. The server's
 * rule (`handler/objectcut/picture/shadow.py`), number by number: drawn in cells of some px, where detail finer than its
 * blur would be lost anyhow. Pure.
 *
 * Blur: W3C, Filter Effects, feGaussianBlur.
 */

/**
 * @typedef {object} Look lengths are shares of the longer side of the cut-out
 * @property {number} right how far it is moved
 * @property {number} down how far it is moved
 * @property {number} deviation of its blur
 * @property {number} strength share of the alpha that it keeps
 * @property {number} band share of the height, from below, that throws it
 * @property {number} squeezed how many rows of that become one
 */

/** @type {Record<string, Look>} */
const LOOKS = {
  drop: { right: 0.012, down: 0.03, deviation: 0.025, strength: 0.45, band: 1, squeezed: 1 },
  contact: { right: 0, down: 0.004, deviation: 0.018, strength: 0.7, band: 0.2, squeezed: 3 },
};
const FINE = 4; // cells per standard deviation of the blur, at least
const BOXES = (3 * Math.sqrt(2 * Math.PI)) / 4; // side of the three box blurs, per standard deviation, of a Gaussian

/** @typedef {import("./placing.js").Box} Box */

/**
 * @typedef {object} Shadow
 * @property {number} x left of its first cell, px of the photo
 * @property {number} y top of its first cell, px of the photo
 * @property {number} side of a cell, px of the photo
 * @property {number} columns
 * @property {number} rows
 * @property {Uint8Array} cells (rows, columns), alpha
 * @property {Box} box around all that it darkens, px of the photo
 */

/**
 * Throw a shadow.
 * @param {string} kind `drop` or `contact`
 * @param {(y: number, x0: number, x1: number) => Uint8Array} alpha gives a row of the plane, from x0 to x1
 * @param {Box} box around all that is not zero in it
 * @returns {Shadow}
 */
export function thrown(kind, alpha, [x0, y0, x1, y1]) {
  const look = LOOKS[kind];
  const length = Math.max(x1 - x0, y1 - y0);
  const deviation = look.deviation * length;
  const side = Math.max(1, Math.floor(deviation / FINE));
  const high = side * look.squeezed;
  const band = Math.max(1, Math.floor(look.band * (y1 - y0) + 0.5));
  const [across, down] = [Math.ceil((x1 - x0) / side), Math.ceil(band / high)];
  const [top, upper] = kind === "drop" ? [y0, y0] : [y1 - down * high, y1 - down * side];
  const blur = Math.floor((deviation / side) * BOXES + 0.5);
  const room = 2 * blur;
  const [columns, rows] = [across + 2 * room, down + 2 * room];
  const sums = new Float64Array(columns * rows);
  for (let y = Math.max(top, y1 - band); y < y1; y++) {
    const line = alpha(y, x0, x1);
    const to = (room + Math.floor((y - top) / high)) * columns + room;
    for (let x = 0; x < line.length; x++) sums[to + Math.floor(x / side)] += line[x];
  }
  const means = sums.map((sum) => Math.floor(sum / (side * high) + 0.5));
  const soft = softened(softened(means, rows, columns, columns, 1, blur), columns, 1, rows, columns, blur);
  const cells = Uint8Array.from(soft, (value) => value * look.strength + 0.5);
  const x = x0 + Math.floor(look.right * length + 0.5) - room * side;
  const y = upper + Math.floor(look.down * length + 0.5) - room * side;
  const [left, above, right, below] = darkened(cells, columns, rows);
  const box = [x + left * side, y + above * side, x + right * side, y + below * side];
  return { x, y, side, columns, rows, cells, box };
}

/**
 * Read a row of the shadow at the photo's size: between the cells' middles alpha changes evenly.
 * @param {Shadow} shadow
 * @param {number} row px of the photo
 * @param {number} x0 px of the photo
 * @param {Uint8Array} to is filled from there on
 */
export function shadowRow({ x, y, side, columns, rows, cells }, row, x0, to) {
  const down = (row + 0.5 - y) / side - 0.5;
  const upper = Math.floor(down);
  if (upper < -1 || upper >= rows) return to.fill(0);
  const at = (/** @type {number} */ cell, /** @type {number} */ line) =>
    cell < 0 || cell >= columns || line < 0 || line >= rows ? 0 : cells[line * columns + cell];
  const part = down - upper;
  for (let place = 0; place < to.length; place++) {
    const across = (x0 + place + 0.5 - x) / side - 0.5;
    const left = Math.floor(across);
    const share = across - left;
    const above = at(left, upper) * (1 - share) + at(left + 1, upper) * share;
    const below = at(left, upper + 1) * (1 - share) + at(left + 1, upper + 1) * share;
    to[place] = above * (1 - part) + below * part + 0.5;
  }
  return to;
}

/**
 * Blur along one direction by three boxes; beyond the cells is nothing.
 * @param {Float64Array} cells
 * @param {number} count of cells in that direction
 * @param {number} step from one of them to the next
 * @param {number} lines how many there are
 * @param {number} stride from one line to the next
 * @param {number} size of the boxes
 */
function softened(cells, count, step, lines, stride, size) {
  if (size < 2) return cells;
  const half = Math.floor(size / 2);
  // Of an even size, the first reaches farther to one side and the second to the other.
  const boxes =
    size % 2
      ? [half, half, half].map((reach) => [reach, reach])
      : [
          [half, half - 1],
          [half - 1, half],
          [half, half],
        ];
  for (const [before, after] of boxes) cells = boxed(cells, count, step, lines, stride, before, after);
  return cells;
}

/**
 * @param {Float64Array} cells
 * @param {number} count
 * @param {number} step
 * @param {number} lines
 * @param {number} stride
 * @param {number} before cells that are taken before each
 * @param {number} after cells that are taken after it
 */
function boxed(cells, count, step, lines, stride, before, after) {
  const result = new Float64Array(cells.length);
  for (let line = 0; line < lines; line++) {
    const value = (/** @type {number} */ at) => (at >= 0 && at < count ? cells[line * stride + at * step] : 0);
    let sum = 0;
    for (let at = -before; at < after; at++) sum += value(at);
    for (let at = 0; at < count; at++) {
      sum += value(at + after);
      result[line * stride + at * step] = sum / (before + after + 1);
      sum -= value(at - before);
    }
  }
  return result;
}

/** @param {Uint8Array} cells @param {number} columns @param {number} rows @returns {Box} around those that are not zero */
function darkened(cells, columns, rows) {
  const box = [columns, rows, 0, 0];
  for (let at = 0; at < cells.length; at++) {
    if (!cells[at]) continue;
    const [x, y] = [at % columns, Math.floor(at / columns)];
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x + 1);
    box[3] = Math.max(box[3], y + 1);
  }
  return box[2] ? box : [0, 0, 0, 0];
}
