/**
 * The outline around a cut-out: a line of one colour, as wide everywhere, that lies below it. The server's rule: alpha
 * falls from one to zero within a px, by the Euclidean distance from the nearest pixel that is inside. Pure.
 *
 * Distance: Felzenszwalb and Huttenlocher 2012, Distance Transforms of Sampled Functions.
 */

const INSIDE = 127; // alpha above it

/** @typedef {import("./placing.js").Box} Box */

/** Alpha of a part of the plane, (height, width); around it all is 0. @typedef {{x: number, y: number, width: number, height: number, alpha: Uint8Array}} Plane */

/** Read an outline. @param {string} outline px of the photo and a colour @returns {{px: number, colour: string}} */
export function outlineOf(outline) {
  const [px, colour] = outline.split(" ");
  return { px: Number.parseFloat(px), colour };
}

/**
 * Draw an outline.
 * @param {import("./resample.js").Part} cutout
 * @param {Box} box around it
 * @param {number} width of the line, px of the photo
 * @returns {Plane}
 */
export function outlined(cutout, box, width) {
  const reach = Math.ceil(width) + 1;
  const [x, y] = [box[0] - reach, box[1] - reach];
  const [across, down] = [box[2] + reach - x, box[3] + reach - y];
  const away = distancesDown(cutout, x - cutout.x, y - cutout.y, across, down, reach);
  const alpha = new Uint8Array(across * down);
  const [places, starts] = [new Int32Array(across), new Float64Array(across + 1)];
  for (let row = 0; row < down; row++) {
    const line = away.subarray(row * across, (row + 1) * across);
    const count = lowerEnvelope(line, reach, places, starts);
    for (let column = 0, parabola = 0; count && column < across; column++) {
      while (parabola < count - 1 && starts[parabola + 1] < column) parabola++;
      const distance = Math.hypot(column - places[parabola], line[places[parabola]]);
      alpha[row * across + column] = Math.min(Math.max((width + 0.5 - distance) * 255, 0), 255);
    }
  }
  return { x, y, width: across, height: down, alpha };
}

/**
 * Return the distance of each pixel from the nearest one in its column that is inside, px; more than `most` is `most`.
 * @param {import("../files/png.js").Pixels} cutout
 * @param {number} x of the part, px of the cut-out
 * @param {number} y of the part, px of the cut-out
 * @param {number} across its width, px
 * @param {number} down its height, px
 * @param {number} most px, at most 255
 */
function distancesDown({ width, height, data }, x, y, across, down, most) {
  const away = new Uint8Array(across * down).fill(most);
  const last = new Uint8Array(across).fill(most);
  const pass = (/** @type {number} */ row) => {
    for (let column = 0; column < across; column++) {
      const at = row * across + column;
      last[column] = Math.min(last[column] + 1, away[at]);
      away[at] = last[column];
    }
  };
  for (let row = 0; row < down; row++) {
    const line = (row + y) * width;
    if (row + y >= 0 && row + y < height) {
      for (let column = Math.max(-x, 0); column < Math.min(across, width - x); column++) {
        if (data[(line + column + x) * 4 + 3] > INSIDE) away[row * across + column] = 0;
      }
    }
    pass(row);
  }
  last.fill(most);
  for (let row = down - 1; row >= 0; row--) pass(row);
  return away;
}

/**
 * Find the columns from which some of a row are nearest.
 * @param {Uint8Array} line distances down
 * @param {number} most as far as that is too far
 * @param {Int32Array} places become these columns
 * @param {Float64Array} starts become the places from which each is the nearest
 * @returns {number} how many there are
 */
function lowerEnvelope(line, most, places, starts) {
  let count = 0;
  for (let column = 0; column < line.length; column++) {
    if (line[column] >= most) continue;
    const height = line[column] ** 2 + column ** 2;
    let start = -Infinity;
    while (count > 0) {
      const other = places[count - 1];
      start = (height - line[other] ** 2 - other ** 2) / (2 * (column - other));
      if (start > starts[count - 1]) break;
      count--;
      start = -Infinity;
    }
    places[count] = column;
    starts[count] = start;
    count++;
  }
  return count;
}
