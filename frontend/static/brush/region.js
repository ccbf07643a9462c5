/**
 * Which part of a picture belongs to what a line touches: what is connected to it and not beyond an edge. Knows colours
 * alone, and nothing of strokes or tiles.
 */

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {object} Colours a small picture
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} data (height, width, 3), 0 to 255
 */

export const UNKNOWN = 0; // further from the line than the region may grow
export const INSIDE = 1;
export const OUTSIDE = 2; // as near as what is inside, and beyond an edge

const EDGE = 18; // levels, by the distance in RGB: a change of colour that is an edge anywhere
const TEXTURE = 4; // times the differences between neighbours at the line: what it touches itself is no edge
const FOLLOW = 0.03; // per px away from the line: a shade changes over more of them than an edge, which may be blurred
const SPECK = 0.2; // of the reach: the side of a square as large as the largest speck that is filled
const PARTS = 2; // of a level, by which the queue is ordered

/**
 * Tell for each pixel whether it belongs to what the line touches.
 * Grown from the line, always to the pixel that differs least from what is expected there: the colour at the line, which
 * changes as evenly as it does at the line, and follows that of the pixels on the way outwards. So a shade is no edge,
 * however far it goes.
 *
 * @param {Colours} colours
 * @param {Point} from px, as `to`
 * @param {Point} to
 * @param {number} reach how far from the line the region may grow, px
 * @returns {Uint8Array} (height, width): INSIDE, OUTSIDE or UNKNOWN
 */
export function regionAt(colours, from, to, reach) {
  const { width, height } = colours;
  const { data } = smoothed(smoothed(colours));
  const away = distances(width, height, from, to);
  const { across, down, typical } = changesAt(data, width, away, Math.max(2, reach / 3));
  const edge = Math.round(PARTS * (EDGE + TEXTURE * typical));
  const expected = data.slice();
  const furthest = away.slice(); // from the line, on the way there
  const differs = new Uint16Array(away.length).fill(edge + 1); // the most on the way there
  /** @type {number[][]} pixels by how much they differ */
  const queue = Array.from({ length: edge + 1 }, () => []);
  for (let at = 0; at < away.length; at++) {
    if (away[at] > 0.75) continue; // not a pixel that the line passes
    differs[at] = 0;
    queue[0].push(at);
  }
  /** @param {number} next @param {number} at @param {number[]} change @param {number} way 1 or -1 */
  const grow = (next, at, change, way) => {
    if (away[next] > reach || differs[next] <= differs[at]) return;
    const [a, b] = [at * 3, next * 3];
    const red = expected[a] + way * change[0];
    const green = expected[a + 1] + way * change[1];
    const blue = expected[a + 2] + way * change[2];
    const apart = Math.hypot(data[b] - red, data[b + 1] - green, data[b + 2] - blue);
    const most = Math.max(differs[at], Math.round(PARTS * apart));
    if (most >= differs[next]) return;
    differs[next] = most;
    furthest[next] = Math.max(furthest[at], away[next]);
    const follow = FOLLOW * (furthest[next] - furthest[at]); // not on a detour along an edge
    expected[b] = red + follow * (data[b] - red);
    expected[b + 1] = green + follow * (data[b + 1] - green);
    expected[b + 2] = blue + follow * (data[b + 2] - blue);
    queue[most].push(next);
  };
  for (const [value, pixels] of queue.entries()) {
    // It gets longer meanwhile.
    for (const at of pixels) {
      if (differs[at] < value) continue; // there was a better way to it
      if (at % width) grow(at - 1, at, across, -1);
      if ((at + 1) % width) grow(at + 1, at, across, 1);
      if (at >= width) grow(at - width, at, down, -1);
      if (at < away.length - width) grow(at + width, at, down, 1);
    }
  }
  const region = Uint8Array.from(differs, (value, at) =>
    away[at] > reach ? UNKNOWN : value <= edge ? INSIDE : OUTSIDE,
  );
  fillSpecks(region, width, (reach * SPECK) ** 2);
  return region;
}

/**
 * Take what the region encloses into it, where it is small: hairs, letters, grains.
 * @param {Uint8Array} region
 * @param {number} width
 * @param {number} most px of a speck
 */
function fillSpecks(region, width, most) {
  const seen = new Uint8Array(region.length);
  for (let start = 0; start < region.length; start++) {
    if (region[start] !== OUTSIDE || seen[start]) continue;
    const speck = [start];
    seen[start] = 1;
    let enclosed = true;
    for (const at of speck) {
      const column = at % width;
      // At the sides of the picture it may go on, and further away from the line.
      if (column === 0 || column === width - 1 || at < width || at >= region.length - width) enclosed = false;
      for (const next of [at - 1, at + 1, at - width, at + width]) {
        if (region[next] === UNKNOWN) enclosed = false;
        if (region[next] !== OUTSIDE || seen[next] || Math.abs((next % width) - column) > 1) continue;
        seen[next] = 1;
        speck.push(next);
      }
    }
    if (enclosed && speck.length <= most) for (const at of speck) region[at] = INSIDE;
  }
}

/**
 * Measure how the colours change from a pixel to its neighbour near the line: medians, which no single edge moves.
 * @param {Float32Array} data
 * @param {number} width
 * @param {Float32Array} away
 * @param {number} near the largest distance from the line, px
 * @returns {{across: number[], down: number[], typical: number}} of each channel to the right and downwards, and of the
 *   colour, by the distance in RGB
 */
function changesAt(data, width, away, near) {
  /** @type {number[]} */
  const pixels = [];
  for (let at = width + 1; at < away.length; at++) if (away[at] <= near && at % width) pixels.push(at * 3);
  const median = (/** @type {(at: number) => number} */ of) =>
    Float32Array.from(pixels, of).sort()[pixels.length >> 1] ?? 0;
  const to = (/** @type {number} */ back) =>
    [0, 1, 2].map((channel) => median((at) => data[at + channel] - data[at - back + channel]));
  const typical = median((at) =>
    Math.hypot(data[at] - data[at - 3], data[at + 1] - data[at - 2], data[at + 2] - data[at - 1]),
  );
  return { across: to(3), down: to(width * 3), typical };
}

/** Mix each colour with those around it, the nearer the heavier: with less noise. @param {Colours} colours @returns {Colours} */
function smoothed({ width, height, data }) {
  const row = width * 3;
  const across = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const column = at % row;
    const before = column < 3 ? at : at - 3;
    const after = column >= row - 3 ? at : at + 3;
    across[at] = (data[before] + 2 * data[at] + data[after]) / 4;
  }
  const all = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const above = at < row ? at : at - row;
    const below = at >= (height - 1) * row ? at : at + row;
    all[at] = (across[above] + 2 * across[at] + across[below]) / 4;
  }
  return { width, height, data: all };
}

/** Return how far the middle of each pixel is from the line. @param {number} width @param {number} height @param {Point} from @param {Point} to */
function distances(width, height, from, to) {
  const [alongX, alongY] = [to.x - from.x, to.y - from.y];
  const perLength = 1 / Math.max(alongX ** 2 + alongY ** 2, 1e-9);
  const away = new Float32Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const offY = y + 0.5 - from.y;
    for (let x = 0; x < width; x++, at++) {
      const offX = x + 0.5 - from.x;
      const part = Math.min(1, Math.max(0, (offX * alongX + offY * alongY) * perLength));
      away[at] = Math.hypot(offX - part * alongX, offY - part * alongY);
    }
  }
  return away;
}
