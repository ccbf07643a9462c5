/** A turn about the centre of a cut-out's box, by the server's rule (`handler/objectcut/picture/turn.py`). Pure. */

/** @typedef {import("./placing.js").Box} Box */

/**
 * A turn of the plane, px of the photo.
 * @typedef {object} Turn
 * @property {number} degrees clockwise
 * @property {number[]} from x, y of what it is turned about
 * @property {number[]} to where that lies then
 */

/**
 * Return a turn of what is in a box.
 * @param {Box} box
 * @param {number} degrees clockwise, -180 to 180
 * @returns {Turn}
 */
export function turnOf([x0, y0, x1, y1], degrees) {
  const from = [(x0 + x1) / 2, (y0 + y1) / 2];
  const uneven = Math.abs(degrees) === 90 && (x1 - x0 + y1 - y0) % 2; // whole px go to whole px
  return { degrees, from, to: uneven ? from.map((middle) => middle - 0.5) : from };
}

/** Return where a point came from that was turned. @param {number[]} point x, y @param {Turn} turn @returns {{x: number, y: number}} */
export function turnedBack([x, y], { degrees, from, to }) {
  const [cos, sin] = direction(degrees);
  const [across, down] = [x - to[0], y - to[1]];
  return { x: cos * across + sin * down + from[0], y: cos * down - sin * across + from[1] };
}

/** Return cosine and sine of an angle. @param {number} degrees */
export function direction(degrees) {
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle), Math.sin(angle)];
}
