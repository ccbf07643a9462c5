/**
 * Masks as `/detect` sends them, compressed COCO run lengths, made into what a page can draw: alpha and outlines.
 * Pure functions. Cost grows with the mask's runs and with the size it is drawn at, not with the photo's pixels.
 */

const OUTLINE_SIDE = 640; // cells along an object's longer side while its outline is traced; more would not be seen
const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3];

/**
 * @typedef {object} Mask
 * @property {number} width of the photo, px
 * @property {number} height of the photo, px
 * @property {Uint32Array} spans (3 n): column, first row inside, first row outside again; px of the photo
 * @property {number[]} box tight around the mask: x0, y0, x1, y1, half-open; four zeros where nothing is inside
 */

/**
 * Read a mask; no pixel of it is written out.
 * @param {{size: [number, number], counts: string}} rle height and width; the runs down the columns, outside first
 * @returns {Mask}
 */
export function decode({ size: [height, width], counts }) {
  const spans = [];
  const box = [width, height, 0, 0];
  let at = 0;
  let inside = false;
  for (const run of runLengths(counts)) {
    for (let start = at; inside && start < at + run; ) {
      const column = Math.floor(start / height);
      const end = Math.min(at + run, (column + 1) * height); // a run may go on at the top of the next column
      const [first, last] = [start - column * height, end - column * height];
      spans.push(column, first, last);
      box[0] = Math.min(box[0], column);
      box[1] = Math.min(box[1], first);
      box[2] = Math.max(box[2], column + 1);
      box[3] = Math.max(box[3], last);
      start = end;
    }
    at += run;
    inside = !inside;
  }
  if (at !== width * height) throw new Error(`the runs of a mask cover ${at} of ${width * height} pixels`);
  return { width, height, spans: Uint32Array.from(spans), box: spans.length ? box : [0, 0, 0, 0] };
}

/** Each run but the first three is the difference to the one two before it, in groups of five bits, low group first. */
function runLengths(counts) {
  const runs = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      group = counts.charCodeAt(at++) - 48;
      value |= (group & 0x1f) << shift;
      shift += 5;
    } while (group & 0x20);
    if (group & 0x10) value |= -1 << shift; // the last group's high bit is the sign
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

/**
 * The share of each cell of a coarser grid that a mask covers: the mask, reduced by averaging over areas.
 * @param {Mask} mask
 * @param {number} across cells per pixel of the photo, at most 1
 * @param {number} down the same from top to bottom
 * @param {number[]} frame x0, y0, x1, y1, cells: the part of the grid that is wanted; the mask must lie inside
 * @returns {Float32Array} (rows, columns), 0 to 1
 */
export function coverage({ spans }, across, down, [left, top, right, bottom]) {
  const [columns, rows] = [right - left, bottom - top];
  // First only what changes from one row to the next; a running sum down the columns then fills the spans.
  const cells = new Float32Array(columns * (rows + 2));
  const change = (column, y, weight) => {
    const row = Math.floor(y);
    const later = weight * (y - row);
    cells[row * columns + column] += weight - later;
    cells[(row + 1) * columns + column] += later;
  };
  for (let index = 0; index < spans.length; index += 3) {
    const x = spans[index] * across - left;
    const first = spans[index + 1] * down - top;
    const last = spans[index + 2] * down - top;
    const column = Math.floor(x);
    const over = Math.max(x + across - column - 1, 0); // how far the pixel reaches into the next column of cells
    change(column, first, across - over);
    change(column, last, over - across);
    if (over > 0 && column + 1 < columns) {
      change(column + 1, first, over);
      change(column + 1, last, -over);
    }
  }
  for (let index = columns; index < columns * rows; index++) cells[index] += cells[index - columns];
  return cells.subarray(0, columns * rows);
}

/**
 * A mask's alpha at the size of a preview, a little smoothed at its rim.
 * @param {Mask} mask
 * @param {number} width of the preview, px; at most the photo's
 * @param {number} height of the preview, px
 * @returns {import("./planes.js").Plane} px of the preview
 */
export function alphaPlane(mask, width, height) {
  const [across, down] = [width / mask.width, height / mask.height];
  const [x0, y0, x1, y1] = mask.box;
  const frame = [
    Math.max(Math.floor(x0 * across) - 1, 0),
    Math.max(Math.floor(y0 * down) - 1, 0),
    Math.min(Math.ceil(x1 * across) + 1, width),
    Math.min(Math.ceil(y1 * down) + 1, height),
  ];
  const [columns, rows] = [frame[2] - frame[0], frame[3] - frame[1]];
  const alpha = smoothed(coverage(mask, across, down, frame), columns, rows);
  return { x: frame[0], y: frame[1], width: columns, height: rows, alpha };
}

/**
 * Weights 1, 2, 1 in both directions. Past the frame's border its last cells go on: they are empty, or the photo ends
 * there, and a cut-out must not fade where its photo ends.
 */
function smoothed(cells, columns, rows) {
  const across = new Float32Array(cells.length);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const end = start + columns - 1;
    for (let at = start; at <= end; at++) {
      across[at] = cells[at > start ? at - 1 : at] + 2 * cells[at] + cells[at < end ? at + 1 : at];
    }
  }
  const alpha = new Uint8Array(cells.length);
  for (let row = 0; row < rows; row++) {
    const above = row > 0 ? columns : 0;
    const below = row < rows - 1 ? columns : 0;
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      alpha[at] = (across[at - above] + 2 * across[at] + across[at + below]) * (255 / 16) + 0.5;
    }
  }
  return alpha;
}

/**
 * A mask's borders, those of its holes too, as an SVG path in pixels of the photo.
 * Outer borders run clockwise and holes the other way round, so either fill rule leaves the holes open.
 * @param {Mask} mask
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
  const rings = borders(cells, columns, rows)
    .map((ring) => ring.map(([x, y]) => [within((left + x) / scale, mask.width), within((top + y) / scale, mask.height)]))
    .map((ring) => simplified(ring, tolerance))
    .filter((ring) => ring.length > 2);
  if (!rings.length) rings.push([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]); // all of it is thinner than a cell
  return rings.map((ring) => `M${ring.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}Z`).join("");
}

/**
 * Where a border enters and leaves the square between four cells, by which of them are inside: bits 1, 2, 4, 8 are
 * top left, top right, bottom right, bottom left. The inside is on the right hand. 5 and 10 depend on the middle.
 */
const STEPS = [
  [], [[TOP, LEFT]], [[RIGHT, TOP]], [[RIGHT, LEFT]],
  [[BOTTOM, RIGHT]], null, [[BOTTOM, TOP]], [[BOTTOM, LEFT]],
  [[LEFT, BOTTOM]], [[TOP, BOTTOM]], null, [[RIGHT, BOTTOM]],
  [[LEFT, RIGHT]], [[TOP, RIGHT]], [[LEFT, TOP]], [],
];
const JOINED = { 5: [[TOP, RIGHT], [BOTTOM, LEFT]], 10: [[LEFT, TOP], [RIGHT, BOTTOM]] };
const PARTED = { 5: [[TOP, LEFT], [BOTTOM, RIGHT]], 10: [[RIGHT, TOP], [LEFT, BOTTOM]] };

/**
 * Where the cells pass one half: marching squares (Lorensen and Cline 1987, in two dimensions) between cell centres.
 * @param {Float32Array} cells (rows, columns), empty around the edge
 * @returns {number[][][]} closed rings of points x, y in cells
 */
function borders(cells, columns, rows) {
  const inside = (at) => cells[at] > 0.5;
  const next = new Map(); // from one crossing to the next; 2 × cell for that with the cell at its right, + 1: below it
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      const below = at + columns;
      const kind = inside(at) | (inside(at + 1) << 1) | (inside(below + 1) << 2) | (inside(below) << 3);
      if (kind === 0 || kind === 15) continue;
      const crossings = [2 * at, 2 * at + 3, 2 * below, 2 * at + 1];
      const joined = cells[at] + cells[at + 1] + cells[below] + cells[below + 1] > 2;
      for (const [from, to] of STEPS[kind] ?? (joined ? JOINED : PARTED)[kind]) next.set(crossings[from], crossings[to]);
    }
  }

  const point = (crossing) => {
    const at = crossing >> 1;
    const other = at + (crossing & 1 ? columns : 1);
    const share = (0.5 - cells[at]) / (cells[other] - cells[at]);
    const [x, y] = [(at % columns) + 0.5, Math.floor(at / columns) + 0.5];
    return crossing & 1 ? [x, y + share] : [x + share, y];
  };
  const rings = [];
  while (next.size) {
    const ring = [];
    let [crossing] = next.keys();
    while (next.has(crossing)) {
      ring.push(point(crossing));
      const following = next.get(crossing);
      next.delete(crossing);
      crossing = following;
    }
    rings.push(ring);
  }
  return rings;
}

/** Fewer points, none of the others further than `tolerance` from the line: Douglas and Peucker 1973, on a ring. */
function simplified(ring, tolerance) {
  const far = ring.reduce((best, point, index) => (distance(point, ring[0]) > distance(ring[best], ring[0]) ? index : best), 0);
  const closed = [...ring, ring[0]];
  const keep = new Set([0, far]);
  const parts = [[0, far], [far, ring.length]];
  while (parts.length) {
    const [first, last] = parts.pop();
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

function distance([ax, ay], [bx, by]) {
  return Math.hypot(ax - bx, ay - by);
}

function offLine(point, start, end) {
  const length = distance(start, end);
  if (!length) return distance(point, start);
  return Math.abs((end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])) / length;
}

function within(value, limit) {
  return Math.min(Math.max(value, 0), limit);
}

function round(value) {
  return Math.round(value * 10) / 10;
}
