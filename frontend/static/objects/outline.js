/**
 * The outline of a mask, as an SVG path. Pure functions. Cost grows with the mask's runs and with the outline's grid,
 * not with the photo's pixels.
 */

import { coverage } from "./masks.js";

const OUTLINE_SIDE = 640; // cells along an object's longer side while its outline is traced; more would not be seen
const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3];

/**
 * Trace a mask's borders, those of its holes too, as an SVG path in pixels of the photo.
 * Outer borders run clockwise and holes the other way round, so either fill rule leaves the holes open.
 * @param {import("./masks.js").Mask} mask
 * @returns {string} empty for an empty mask
 */
export function outline(mask) {
  const [x0, y0, x1, y1] = mask.box;
  const side = Math.max(x1 - x0, y1 - y0);
  if (!side) return "";
  const scale = Math.min(1, OUTLINE_SIDE / side);
  // One empty cell around it: every border closes, also along the photo's edge.
  const left = Math.floor(x0 * scale) - 1;
  const top = Math.floor(y0 * scale) - 1;
  const columns = Math.ceil(x1 * scale) + 1 - left;
  const rows = Math.ceil(y1 * scale) + 1 - top;
  const cells = coverage(mask, scale, scale, [left, top, left + columns, top + rows]);
  // Finer than a screen shows it, but never so coarse that a small object loses its shape.
  const tolerance = Math.min(Math.max(0.5, Math.max(mask.width, mask.height) / 2000), side / 16);
  const inPhoto = (/** @type {Point} */ [x, y]) =>
    /** @type {Point} */ ([within((left + x) / scale, mask.width), within((top + y) / scale, mask.height)]);
  const rings = borders(cells, columns, rows)
    .map((ring) => ring.map(inPhoto))
    .map((ring) => simplified(ring, tolerance))
    .filter((ring) => ring.length > 2);
  if (!rings.length) return `M${x0} ${y0}L${x1} ${y0}L${x1} ${y1}L${x0} ${y1}Z`; // all of it is thinner than a cell
  return rings.map((ring) => `M${ring.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}Z`).join("");
}

/** @typedef {[number, number]} Point x, y */

/**
 * Where a border enters and leaves the square between four cells, by which of them are inside: bits 1, 2, 4, 8 are
 * top left, top right, bottom right, bottom left. The inside is on the right hand. 5 and 10 depend on the middle.
 * @type {(number[][] | null)[]}
 */
const STEPS = [
  [],
  [[TOP, LEFT]],
  [[RIGHT, TOP]],
  [[RIGHT, LEFT]],
  [[BOTTOM, RIGHT]],
  null,
  [[BOTTOM, TOP]],
  [[BOTTOM, LEFT]],
  [[LEFT, BOTTOM]],
  [[TOP, BOTTOM]],
  null,
  [[RIGHT, BOTTOM]],
  [[LEFT, RIGHT]],
  [[TOP, RIGHT]],
  [[LEFT, TOP]],
  [],
];
/** @type {Record<number, number[][]>} */
const JOINED = {
  5: [
    [TOP, RIGHT],
    [BOTTOM, LEFT],
  ],
  10: [
    [LEFT, TOP],
    [RIGHT, BOTTOM],
  ],
};
/** @type {Record<number, number[][]>} */
const PARTED = {
  5: [
    [TOP, LEFT],
    [BOTTOM, RIGHT],
  ],
  10: [
    [RIGHT, TOP],
    [LEFT, BOTTOM],
  ],
};

/**
 * Find where the cells pass one half: marching squares (Lorensen and Cline 1987, in two dimensions).
 * @param {Float32Array} cells (rows, columns), empty around the edge
 * @param {number} columns
 * @param {number} rows
 * @returns {Point[][]} closed rings, in cells
 */
function borders(cells, columns, rows) {
  const inside = (/** @type {number} */ at) => (cells[at] > 0.5 ? 1 : 0);
  /** @type {Map<number, number>} from one crossing to the next: 2 × cell to its right, 2 × cell + 1 below it */
  const next = new Map();
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      const below = at + columns;
      const kind = inside(at) | (inside(at + 1) << 1) | (inside(below + 1) << 2) | (inside(below) << 3);
      if (kind === 0 || kind === 15) continue;
      const crossings = [2 * at, 2 * at + 3, 2 * below, 2 * at + 1];
      const joined = cells[at] + cells[at + 1] + cells[below] + cells[below + 1] > 2;
      for (const [from, to] of STEPS[kind] ?? (joined ? JOINED : PARTED)[kind])
        next.set(crossings[from], crossings[to]);
    }
  }

  const rings = [];
  for (const start of next.keys()) {
    const ring = [];
    let crossing = start;
    for (let following = next.get(crossing); following !== undefined; following = next.get(crossing)) {
      ring.push(crossed(crossing, cells, columns));
      next.delete(crossing);
      crossing = following;
    }
    rings.push(ring);
  }
  return rings;
}

/**
 * Return where the cells pass one half between two centres.
 * @param {number} crossing
 * @param {Float32Array} cells
 * @param {number} columns
 * @returns {Point}
 */
function crossed(crossing, cells, columns) {
  const at = crossing >> 1;
  const other = at + (crossing & 1 ? columns : 1);
  const share = (0.5 - cells[at]) / (cells[other] - cells[at]);
  const [x, y] = [(at % columns) + 0.5, Math.floor(at / columns) + 0.5];
  return crossing & 1 ? [x, y + share] : [x + share, y];
}

/**
 * Drop points, none of them further than `tolerance` from the line: Douglas and Peucker 1973, on a ring.
 * @param {Point[]} ring
 * @param {number} tolerance
 */
function simplified(ring, tolerance) {
  const away = ring.map((point) => distance(point, ring[0]));
  const far = away.reduce((best, each, index) => (each > away[best] ? index : best), 0);
  const closed = [...ring, ring[0]];
  const keep = new Set([0, far]);
  const parts = [
    [0, far],
    [far, ring.length],
  ];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    let [widest, at] = [tolerance, -1];
    for (let index = first + 1; index < last; index++) {
      const off = offLine(closed[index], closed[first], closed[last]);
      if (off > widest) [widest, at] = [off, index];
    }
    if (at < 0) continue;
    keep.add(at);
    parts.push([first, at], [at, last]);
  }
  return ring.filter((_, index) => keep.has(index));
}

/** @param {Point} a @param {Point} b */
function distance([ax, ay], [bx, by]) {
  return Math.hypot(ax - bx, ay - by);
}

/**
 * Return how far a point is from the line through two others.
 * @param {Point} point
 * @param {Point} start
 * @param {Point} end
 */
function offLine(point, start, end) {
  const length = distance(start, end);
  if (!length) return distance(point, start);
  return Math.abs((end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])) / length;
}

/** @param {number} value @param {number} limit */
function within(value, limit) {
  return Math.min(Math.max(value, 0), limit);
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
