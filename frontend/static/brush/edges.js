/**
 * The edges of the photo under one stroke: which pixels belong to what its centre line touches. The region is grown on
 * cells of some pixels, as many under a wide brush as under a fine one; along its border each pixel's colour decides.
 */

import { INSIDE, regionAt, UNKNOWN } from "./region.js";

/**
 * @typedef {import("./region.js").Colours} Colours
 * @typedef {import("./tiles.js").Area} Area
 * @typedef {{x: number, y: number}} Point px of the picture
 * @typedef {(tile: Area, area: Area) => Uint8Array} Belonging tells how much of each pixel of an area within the tile
 *   belongs to what a line touches: (height, width), 0 to 255
 */

const MOST_CELLS = 48; // of the radius: to grow a region takes a few milliseconds
const MARGIN = 4; // cells that the region grows beyond the brush: what lies there tells the sides at its rim
const AROUND = 8; // cells each way that tell the colours of both sides: hairs may reach as far beyond the border
const SOFT = 0.5; // of the way from one colour to the other, in which a pixel belongs partly

export class Edges {
  #picture;
  #photoAt;
  #radius;
  #cell;
  /** @type {Map<Area, Float32Array>} mean colours of the cells, by tile */
  #means = new Map();

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {number} radius of the brush, px
   * @param {(tile: Area) => Uint8ClampedArray} photoAt gives the photo where the tile is, RGBA
   */
  constructor(picture, radius, photoAt) {
    this.#picture = picture;
    this.#radius = radius;
    this.#photoAt = photoAt;
    this.#cell = 2 ** Math.max(0, Math.ceil(Math.log2(radius / MOST_CELLS))); // a power of 2 divides a tile
  }

  /**
   * Grow the region of a line.
   * @param {Point} from
   * @param {Point} to
   * @returns {Belonging} for tiles and areas that the brush passes over
   */
  along(from, to) {
    const cell = this.#cell;
    const reach = this.#radius / cell + MARGIN;
    const span = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ size) => {
      const first = Math.max(0, Math.floor(Math.min(a, b) / cell - reach));
      return [first, Math.min(Math.ceil(size / cell), Math.ceil(Math.max(a, b) / cell + reach)) - first];
    };
    const [left, width] = span(from.x, to.x, this.#picture.pixels.width);
    const [top, height] = span(from.y, to.y, this.#picture.pixels.height);
    const colours = this.#colours({ x: left, y: top, width, height });
    const inCells = (/** @type {Point} */ { x, y }) => ({ x: x / cell - left, y: y / cell - top });
    const { sides, rule } = borderOf(colours, regionAt(colours, inCells(from), inCells(to), reach));
    return (tile, area) => {
      const photo = this.#photoAt(tile);
      const belonging = new Uint8Array(area.width * area.height);
      for (let row = 0, at = 0; row < area.height; row++) {
        const y = area.y + row;
        const line = (Math.floor(y / cell) - top) * width - left;
        let pixel = ((y - tile.y) * tile.width + area.x - tile.x) * 4;
        for (let x = area.x; x < area.x + area.width; x++, at++, pixel += 4) {
          const place = line + Math.floor(x / cell);
          if (sides[place] !== BORDER) {
            belonging[at] = sides[place];
            continue;
          }
          const by = place * 4;
          const share =
            rule[by] * photo[pixel] + rule[by + 1] * photo[pixel + 1] + rule[by + 2] * photo[pixel + 2] + rule[by + 3];
          belonging[at] = share <= 0 ? 0 : share >= 1 ? 255 : 255 * share;
        }
      }
      return belonging;
    };
  }

  /** Return the mean colours of cells. @param {Area} area cells @returns {Colours} */
  #colours({ x: left, y: top, width, height }) {
    const cell = this.#cell;
    const data = new Float32Array(width * height * 3);
    for (const tile of this.#picture.under(left * cell, top * cell, (left + width) * cell, (top + height) * cell)) {
      const means = this.#means.get(tile) ?? meansOf(this.#photoAt(tile), tile, cell);
      this.#means.set(tile, means);
      const [tileX, tileY] = [tile.x / cell, tile.y / cell];
      const across = Math.ceil(tile.width / cell);
      const [start, end] = [Math.max(left, tileX), Math.min(left + width, tileX + across)];
      const bottom = Math.min(top + height, tileY + Math.ceil(tile.height / cell));
      for (let y = Math.max(top, tileY); y < bottom; y++) {
        const row = (y - tileY) * across - tileX;
        data.set(means.subarray((row + start) * 3, (row + end) * 3), ((y - top) * width + start - left) * 3);
      }
    }
    return { width, height, data };
  }
}

/**
 * Return the mean colours of a tile's cells: (rows, columns, 3).
 * @param {Uint8ClampedArray} photo RGBA
 * @param {{width: number, height: number}} tile
 * @param {number} cell px
 */
function meansOf(photo, { width, height }, cell) {
  const across = Math.ceil(width / cell);
  const sums = new Float32Array(across * Math.ceil(height / cell) * 3);
  for (let y = 0, pixel = 0; y < height; y++) {
    const row = Math.floor(y / cell) * across;
    const tall = Math.min(cell, height - Math.floor(y / cell) * cell);
    for (let x = 0; x < width; x++, pixel += 4) {
      const column = Math.floor(x / cell);
      const part = 1 / (tall * Math.min(cell, width - column * cell));
      const at = (row + column) * 3;
      sums[at] += photo[pixel] * part;
      sums[at + 1] += photo[pixel + 1] * part;
      sums[at + 2] += photo[pixel + 2] * part;
    }
  }
  return sums;
}

const BORDER = 1; // as `sides` has it; else all of a cell belongs to the region, 255, or nothing of it, 0
const LEAST_CONTRAST = 6; // levels: where both sides look the same, a pixel's colour tells nothing
const PLACE = 4; // how fast the share rises with that of the region around, where colour tells nothing

/**
 * Tell what of each cell belongs to the region, and along its border the rule by which a pixel does. Its colour decides:
 * how far it lies on the way from the mean colour outside to that inside, both of the cells around. The less these differ,
 * compared with the colours on either side, the more its place decides instead: how much around is inside.
 * @param {Colours} colours
 * @param {Uint8Array} region
 * @returns {{sides: Uint8Array, rule: Float32Array}} rule: (height, width, 4), factors of red, green, blue, and an addend
 */
function borderOf({ width, height, data }, region) {
  const sides = new Uint8Array(width * height);
  const rule = new Float32Array(width * height * 4);
  const row = (width + 1) * SUMS;
  const table = summed({ width, height, data }, region);
  const sums = new Float64Array(SUMS);
  for (let y = 0, at = 0; y < height; y++) {
    const top = Math.max(0, y - AROUND) * row;
    const bottom = Math.min(height, y + AROUND + 1) * row;
    for (let x = 0; x < width; x++, at++) {
      if (region[at] === UNKNOWN) continue;
      if (region[at] === INSIDE) sides[at] = 255;
      const left = Math.max(0, x - AROUND) * SUMS;
      const right = Math.min(width, x + AROUND + 1) * SUMS;
      const corners = [bottom + right, bottom + left, top + right, top + left];
      const inside = around(table, corners, 0);
      const outside = around(table, corners, OTHER);
      if (!inside || !outside) continue;
      for (let sum = 0; sum < SUMS; sum++) sums[sum] = around(table, corners, sum);
      sides[at] = BORDER;
      let contrast = 0;
      let spread = sums[4] + sums[OTHER + 4];
      for (let channel = 1; channel < 4; channel++) {
        contrast += (sums[channel] / inside - sums[OTHER + channel] / outside) ** 2;
        spread -= sums[channel] ** 2 / inside + sums[OTHER + channel] ** 2 / outside;
      }
      const weight = 1 / (contrast + spread / (inside + outside) + LEAST_CONTRAST ** 2);
      const trust = contrast * weight;
      let addend = 0.5 - (0.5 * trust) / SOFT + (PLACE - 2 * trust) * (inside / (inside + outside) - 0.5);
      for (let channel = 1; channel < 4; channel++) {
        const outer = sums[OTHER + channel] / outside;
        const factor = ((sums[channel] / inside - outer) * weight) / SOFT;
        rule[at * 4 + channel - 1] = factor;
        addend -= factor * outer;
      }
      rule[at * 4 + 3] = addend;
    }
  }
  return { sides, rule };
}

const OTHER = 5; // where the sums for what is outside begin
const SUMS = 2 * OTHER; // of either side: cells, red, green, blue, and the squares of these

/** @param {Float64Array} table @param {number[]} corners of a rectangle: places of its sums @param {number} sum which of these */
function around(table, [last, left, above, first], sum) {
  return table[last + sum] - table[left + sum] - table[above + sum] + table[first + sum];
}

/**
 * Sum up both sides over every rectangle from the upper left corner (Crow, Summed-Area Tables for Texture Mapping, 1984).
 * @param {Colours} colours
 * @param {Uint8Array} region
 * @returns {Float64Array} (height + 1, width + 1, SUMS)
 */
function summed({ width, height, data }, region) {
  const row = (width + 1) * SUMS;
  const table = new Float64Array(row * (height + 1));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const to = (y + 1) * row + (x + 1) * SUMS;
      for (let sum = to; sum < to + SUMS; sum++) {
        table[sum] = table[sum - SUMS] + table[sum - row] - table[sum - row - SUMS];
      }
      if (region[at] === UNKNOWN) continue;
      const own = region[at] === INSIDE ? to : to + OTHER;
      const [red, green, blue] = [data[at * 3], data[at * 3 + 1], data[at * 3 + 2]];
      table[own]++;
      table[own + 1] += red;
      table[own + 2] += green;
      table[own + 3] += blue;
      table[own + 4] += red * red + green * green + blue * blue;
    }
  }
  return table;
}
