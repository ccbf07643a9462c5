/** A cut-out that is moved on its canvas: from px of the finished picture to the `position` of the interface. Pure. */

import { placed } from "./placing.js";

const MIDDLE = 50; // percent of what is free
const SNAP = 2; // percent: as near to the middle, it is in the middle
const FINEST = 10; // steps per percent

/**
 * @typedef {import("./placing.js").Box} Box
 * @typedef {import("./fields.js").Finish} Finish
 * @typedef {{x: number, y: number}} Point
 */

/**
 * Move a cut-out, as far as there is room.
 * @param {import("./placing.js").Size} photo
 * @param {Box} box around everything that is kept, its outline included
 * @param {Finish} finish with a canvas
 * @param {Point} by px of the picture
 * @param {boolean} snaps whether it stops in the middle
 * @returns {{position: string, by: Point}} by: px of the picture that it is moved by
 */
export function moved(photo, box, finish, by, snaps) {
  const corner = (/** @type {string | undefined} */ position) => {
    const placing = placed(photo, box, { ...finish, position });
    return [0, 1].map((axis) => (box[axis] - placing.corner[axis]) / placing.scale[axis]);
  };
  const [now, least, most] = [finish.position, "0% 0%", "100% 100%"].map(corner);
  const shares = [by.x, by.y].map((px, axis) => {
    const free = most[axis] - least[axis];
    if (free <= 0) return MIDDLE;
    const share = Math.min(Math.max((100 * (now[axis] + px - least[axis])) / free, 0), 100);
    return snaps && Math.abs(share - MIDDLE) < SNAP ? MIDDLE : Math.round(share * FINEST) / FINEST;
  });
  const position = `${shares[0]}% ${shares[1]}%`;
  const [x, y] = corner(position).map((px, axis) => px - now[axis]);
  return { position, by: { x, y } };
}
