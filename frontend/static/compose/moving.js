/**
 * A cut-out that is moved on its canvas, or the picture behind it: from px of the finished picture to a position, percent
 * of what is free. Pure.
 */

import { covered } from "./behind.js";
import { placed } from "./placing.js";

const MIDDLE = 50; // percent of what is free
const SNAP = 2; // percent: as near to the middle, it is in the middle
const FINEST = 10; // steps per percent

/**
 * @typedef {import("./placing.js").Box} Box
 * @typedef {import("./placing.js").Size} Size
 * @typedef {import("./fields.js").Finish} Finish
 * @typedef {{x: number, y: number}} Point
 */

/**
 * Move a cut-out, as far as there is room.
 * @param {Size} photo
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
    return free <= 0 ? MIDDLE : shareOf((100 * (now[axis] + px - least[axis])) / free, snaps);
  });
  const position = `${shares[0]}% ${shares[1]}%`;
  const [x, y] = corner(position).map((px, axis) => px - now[axis]);
  return { position, by: { x, y } };
}

/**
 * Move a picture that fills the room, as far as it overflows.
 * @param {Size} picture
 * @param {Size} room the finished picture
 * @param {string} position `x% y%`
 * @param {Point} by px of the finished picture
 * @param {boolean} snaps whether it stops in the middle
 * @returns {string} its position then
 */
export function slid(picture, room, position, by, snaps) {
  const now = position.split(" ").map(Number.parseFloat);
  const shares = overflow(picture, room).map((over, axis) =>
    over < 1 ? now[axis] : shareOf(now[axis] - (100 * (axis ? by.y : by.x)) / over, snaps),
  );
  return `${shares[0]}% ${shares[1]}%`;
}

/** Return whether a picture that fills the room can be moved there. @param {Size} picture @param {Size} room */
export function slides(picture, room) {
  return overflow(picture, room).some((over) => over >= 1);
}

/** Return how far a picture reaches beyond the room, across and down, px. @param {Size} picture @param {Size} room */
function overflow(picture, room) {
  const [width, height] = covered(picture, room);
  return [width - room.width, height - room.height];
}

/** Return a share that can be told, percent. @param {number} share @param {boolean} snaps */
function shareOf(share, snaps) {
  const bounded = Math.min(Math.max(share, 0), 100);
  return snaps && Math.abs(bounded - MIDDLE) < SNAP ? MIDDLE : Math.round(bounded * FINEST) / FINEST;
}
