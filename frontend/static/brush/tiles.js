/** The tiles of a picture that is drawn on, in the worker and on the page: each change lies within one. */

export const TILE = 512; // px: 1 MB

/** @typedef {{x: number, y: number, width: number, height: number}} Area px of the picture */

/** Divide a picture. @param {number} width px @param {number} height px @returns {Area[]} row by row */
export function tiles(width, height) {
  const all = [];
  for (let y = 0; y < height; y += TILE) {
    for (let x = 0; x < width; x += TILE) {
      all.push({ x, y, width: Math.min(TILE, width - x), height: Math.min(TILE, height - y) });
    }
  }
  return all;
}
