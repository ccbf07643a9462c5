/**
 * Masks as `/detect` sends them, compressed COCO run lengths, read, reduced and made into alpha.
 * Pure functions. Cost grows with the mask's runs and with the size it is drawn at, not with the photo's pixels.
 */

/** @typedef {{size: [number, number], counts: string}} Rle height and width; runs down the columns, outside first */

/**
 * @typedef {object} Mask
 * @property {number} width of the photo, px
 * @property {number} height of the photo, px
 * @property {Uint32Array} spans (3 n): column, first row inside, first row outside again; px of the photo
 * @property {number[]} box tight around the mask: x0, y0, x1, y1, half-open; four zeros where nothing is inside
 */

/**
 * Read a mask, without writing out its pixels.
 * @param {Rle} rle
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

/**
 * Read run lengths: each but the first three is the difference to the one two before it, in groups of five bits, low
 * group first.
 * @param {string} counts
 */
function runLengths(counts) {
  /** @type {number[]} */
  const runs = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group = 0;
    do {
      group = counts.charCodeAt(at) - 48;
      at++;
      value |= (group & 0x1f) << shift;
      shift += 5;
    } while (group & 0x20);
    if (group & 0x10) value |= -1 << shift; // the last group's high bit is the sign
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

/**
 * Compute the share of each cell of a coarser grid that a mask covers: the mask, reduced by averaging over areas.
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
  const change = (/** @type {number} */ column, /** @type {number} */ y, /** @type {number} */ weight) => {
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
 * Compute a mask's alpha at the size of a preview, slightly smoothed at its rim.
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
 * Smooth by weights 1, 2, 1 in both directions. Past the frame's border its last cells are repeated: they are empty, or
 * the photo ends there, and a cut-out must not fade where its photo ends.
 * @param {Float32Array} cells (rows, columns), 0 to 1
 * @param {number} columns
 * @param {number} rows
 * @returns {Uint8Array} (rows, columns), 0 to 255
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
