/** What one stroke does to one tile of a picture. */

import { PROFILE } from "./profile.js";

/**
 * @typedef {import("./history.js").Patch} Patch
 * @typedef {import("./tiles.js").Area} Area
 * @typedef {{x: number, y: number}} Point px of the picture
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box px of the picture, half-open
 */

export class Ink {
  changed = false;
  #picture;
  #tile;
  #adds;
  /** @type {Uint8ClampedArray | null} where the tile is, once it is needed */
  #photo = null;
  #before; // a Patch: the whole tile
  #strength; // of the brush at each pixel so far, 0 to 255
  #touched = emptyBox(); // since the beginning
  #unseen = emptyBox(); // since the last call of changes()

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {Area} tile
   * @param {boolean} adds the photo, or erases
   */
  constructor(picture, tile, adds) {
    this.#picture = picture;
    this.#tile = tile;
    this.#adds = adds;
    this.#before = picture.copy(tile);
    this.#strength = new Uint8Array(tile.width * tile.height);
  }

  /** The photo where the tile is, straight RGBA. */
  get photo() {
    this.#photo ??= this.#picture.photoAt(this.#tile);
    return this.#photo;
  }

  /**
   * Draw along the line between two points.
   * @param {Point} from
   * @param {Point} to
   * @param {number} radius px
   * @param {import("./edges.js").Belonging | null} belonging what is drawn of each pixel; null is all
   */
  line(from, to, radius, belonging) {
    const { x: tileX, y: tileY, width, height } = this.#tile;
    const left = Math.max(tileX, Math.floor(Math.min(from.x, to.x) - radius));
    const top = Math.max(tileY, Math.floor(Math.min(from.y, to.y) - radius));
    const right = Math.min(tileX + width, Math.ceil(Math.max(from.x, to.x) + radius));
    const bottom = Math.min(tileY + height, Math.ceil(Math.max(from.y, to.y) + radius));
    const drawn = emptyBox(); // little more than the new pixels: most of a line was drawn before
    const [{ data: pixels, width: across }, before] = [this.#picture, this.#before.data];
    const photo = this.#adds ? this.photo : null;
    const parts = belonging?.(this.#tile, { x: left, y: top, width: right - left, height: bottom - top });
    const strength = this.#strength;
    const [alongX, alongY] = [to.x - from.x, to.y - from.y];
    const perLength = 1 / Math.max(alongX ** 2 + alongY ** 2, 1e-9);
    const perRadius = PROFILE.length / radius ** 2;
    let changed = this.changed;
    for (let y = top; y < bottom; y++) {
      const offY = y + 0.5 - from.y;
      for (let x = left; x < right; x++) {
        const cell = (y - tileY) * width + x - tileX;
        const had = strength[cell];
        if (had === 255) continue;
        const offX = x + 0.5 - from.x;
        const part = Math.min(1, Math.max(0, (offX * alongX + offY * alongY) * perLength));
        const [awayX, awayY] = [offX - part * alongX, offY - part * alongY];
        const place = (awayX * awayX + awayY * awayY) * perRadius;
        if (place >= PROFILE.length) continue;
        const full = PROFILE[place | 0];
        const has = parts ? Math.round((full * parts[(y - top) * (right - left) + x - left]) / 255) : full;
        if (has <= had) continue;
        strength[cell] = has;
        const at = (y * across + x) * 4;
        const now = photo ? add(pixels, at, before, photo, cell * 4, has) : erase(pixels, at, before, cell * 4, has);
        changed ||= now;
        if (x < drawn.left) drawn.left = x;
        if (x >= drawn.right) drawn.right = x + 1;
        if (y < drawn.top) drawn.top = y;
        drawn.bottom = y + 1;
      }
    }
    this.changed = changed;
    include(this.#touched, drawn);
    include(this.#unseen, drawn);
  }

  /** @returns {Patch[]} what has changed since the last call: one patch, or none */
  changes() {
    if (this.#unseen.left === Infinity) return [];
    const area = areaOf(this.#unseen);
    this.#unseen = emptyBox();
    return [this.#picture.copy(area)];
  }

  /** @returns {Patch} what was there before, wherever the stroke was */
  replaced() {
    const { x: tileX, y: tileY, width: across } = this.#tile;
    const area = areaOf(this.#touched);
    const data = new Uint8ClampedArray(area.width * area.height * 4);
    for (let row = 0; row < area.height; row++) {
      const from = ((area.y - tileY + row) * across + area.x - tileX) * 4;
      data.set(this.#before.data.subarray(from, from + area.width * 4), row * area.width * 4);
    }
    return { ...area, data };
  }
}

// One pixel, straight RGBA, at an index of the picture and one of what was there before the stroke; both tell whether
// it differs. Free functions of arrays: the inner loop runs some million times in a second.

/**
 * Draw the photo over what was there.
 * @param {Uint8ClampedArray} pixels
 * @param {number} at
 * @param {Uint8ClampedArray} before
 * @param {Uint8ClampedArray} photo
 * @param {number} from
 * @param {number} strength 0 to 255
 */
function add(pixels, at, before, photo, from, strength) {
  const over = (strength * photo[from + 3]) / 255;
  const under = (before[from + 3] * (255 - over)) / 255;
  const alpha = over + under;
  pixels[at + 3] = alpha;
  const seen = pixels[at + 3] > 0; // and not just almost
  pixels[at] = seen ? (photo[from] * over + before[from] * under) / alpha : 0;
  pixels[at + 1] = seen ? (photo[from + 1] * over + before[from + 1] * under) / alpha : 0;
  pixels[at + 2] = seen ? (photo[from + 2] * over + before[from + 2] * under) / alpha : 0;
  return (
    pixels[at + 3] !== before[from + 3] ||
    pixels[at] !== before[from] ||
    pixels[at + 1] !== before[from + 1] ||
    pixels[at + 2] !== before[from + 2]
  );
}

/**
 * Take alpha away.
 * @param {Uint8ClampedArray} pixels
 * @param {number} at
 * @param {Uint8ClampedArray} before
 * @param {number} from
 * @param {number} strength 0 to 255
 */
function erase(pixels, at, before, from, strength) {
  pixels[at + 3] = (before[from + 3] * (255 - strength)) / 255;
  if (pixels[at + 3] === 0) {
    pixels[at] = 0;
    pixels[at + 1] = 0;
    pixels[at + 2] = 0;
  }
  return pixels[at + 3] !== before[from + 3];
}

/** @returns {Box} */
function emptyBox() {
  return { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
}

/** Widen a box so that it holds another. @param {Box} box @param {Box} other */
function include(box, other) {
  box.left = Math.min(box.left, other.left);
  box.top = Math.min(box.top, other.top);
  box.right = Math.max(box.right, other.right);
  box.bottom = Math.max(box.bottom, other.bottom);
}

/** @param {Box} box @returns {Area} */
function areaOf({ left, top, right, bottom }) {
  return { x: left, y: top, width: right - left, height: bottom - top };
}
