/**
 * The pixels of a cut-out, and what a stroke does to them: "add" brings the photo's own pixels back, "erase" takes
 * alpha away. Works a tile at a time, so that a stroke keeps, and shows, only what is under it.
 */

import { decode, encode } from "./png.js";
import { TILE, tiles } from "./tiles.js";

/** @typedef {import("./history.js").Patch} Patch */

const SOLID = 0.6; // the part of the radius that is drawn fully; from there it fades
const FADE = profile(1024);

/** Where a stroke is half as strong as in its middle: the part of its radius that it seems to fill. */
export const SEEN = (1 + SOLID) / 2;

/** A cut-out, and the photo that it was cut from. */
export class Picture {
  #photo;
  #pixels;
  #tiles;
  #scratch = new OffscreenCanvas(TILE, TILE).getContext("2d", { willReadFrequently: true });

  /**
   * @param {ImageBitmap} photo stays open as long as the picture is in use
   * @param {Blob} cutout of the same size
   */
  static async read(photo, cutout) {
    const picture = new Picture(photo, (await decode(cutout)) ?? (await throughCanvas(cutout)));
    const { width, height } = picture.#pixels;
    if (photo.width === width && photo.height === height) return picture;
    throw new RangeError(`photo ${photo.width} × ${photo.height}, cut-out ${width} × ${height}`);
  }

  /** @param {import("./png.js").Pixels} pixels is drawn on */
  constructor(photo, pixels) {
    this.#photo = photo;
    this.#pixels = pixels;
    this.#tiles = tiles(pixels.width, pixels.height);
  }

  /** (height, width, 4): straight RGBA; colour is zero wherever alpha is. */
  get data() {
    return this.#pixels.data;
  }

  get width() {
    return this.#pixels.width;
  }

  /** @returns {Patch[]} the whole picture */
  get patches() {
    return this.#tiles.map((tile) => this.copy(tile));
  }

  /** The tiles that a rectangle touches, px, half-open. */
  under(left, top, right, bottom) {
    return this.#tiles.filter(
      ({ x, y, width, height }) => x < right && y < bottom && x + width > left && y + height > top,
    );
  }

  /** @returns {Uint8ClampedArray} the photo where the tile is, straight RGBA */
  photoAt({ x, y, width, height }) {
    this.#scratch.clearRect(0, 0, TILE, TILE);
    this.#scratch.drawImage(this.#photo, -x, -y);
    return this.#scratch.getImageData(0, 0, width, height).data;
  }

  /** @returns {Patch} */
  copy({ x, y, width, height }) {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let row = 0; row < height; row++) {
      const from = ((y + row) * this.width + x) * 4;
      data.set(this.data.subarray(from, from + width * 4), row * width * 4);
    }
    return { x, y, width, height, data };
  }

  /** @param {Patch} patch */
  put({ x, y, width, height, data }) {
    for (let row = 0; row < height; row++) {
      this.data.set(data.subarray(row * width * 4, (row + 1) * width * 4), ((y + row) * this.width + x) * 4);
    }
  }

  /** @returns {Promise<Blob>} PNG */
  toBlob() {
    return encode(this.#pixels);
  }
}

/** The pixels of a picture of any kind. */
async function throughCanvas(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const picture = new Picture(bitmap, { width, height, data: new Uint8ClampedArray(width * height * 4) });
  for (const tile of tiles(width, height)) picture.put({ ...tile, data: picture.photoAt(tile) });
  bitmap.close();
  return { width, height, data: picture.data };
}

/**
 * A stroke as it is drawn. A pixel takes the strongest dab that passes over it, not their sum: strokes that cross
 * themselves keep a soft edge.
 */
export class Drawing {
  #picture;
  #mode;
  #radius;
  #path = [];
  #inks = new Map(); // tile → Ink

  /**
   * @param {Picture} picture
   * @param {{mode: "add" | "erase", radius: number}} brush radius: px of the picture
   */
  constructor(picture, { mode, radius }) {
    this.#picture = picture;
    this.#mode = mode;
    this.#radius = radius;
  }

  /** Draw a stroke of before again, to the same bits. */
  static again(picture, stroke) {
    const drawing = new Drawing(picture, stroke);
    for (const point of stroke.path) drawing.#to(point);
    return drawing;
  }

  /** @returns {import("./history.js").Stroke} */
  get stroke() {
    return { mode: this.#mode, radius: this.#radius, path: this.#path };
  }

  /** @param {{x: number, y: number}[]} points px of the picture */
  through(points) {
    for (const [index, point] of points.entries()) {
      const last = this.#path.at(-1);
      // Nearer than that, a straight line shows no corner.
      const near = last && Math.hypot(point.x - last.x, point.y - last.y) < this.#radius / 4;
      if (!near || index === points.length - 1) this.#to(point);
    }
  }

  /** @returns {Patch[]} what has changed since the last call */
  changes() {
    return [...this.#inks.values()].flatMap((ink) => ink.changes());
  }

  /** @returns {Patch[]} the pixels that were there before, where any is another now */
  replaced() {
    return [...this.#inks.values()].filter((ink) => ink.changed).map((ink) => ink.replaced());
  }

  #to(point) {
    const from = this.#path.at(-1) ?? point;
    const length = Math.hypot(point.x - from.x, point.y - from.y);
    // Pieces: the bounding box of a long slanted line is mostly empty.
    const pieces = Math.max(1, Math.ceil(length / (2 * this.#radius)));
    for (let piece = 0; piece < pieces; piece++) {
      this.#line(between(from, point, piece / pieces), between(from, point, (piece + 1) / pieces));
    }
    this.#path.push(point);
  }

  #line(from, to) {
    const [left, right] = [Math.min(from.x, to.x) - this.#radius, Math.max(from.x, to.x) + this.#radius];
    const [top, bottom] = [Math.min(from.y, to.y) - this.#radius, Math.max(from.y, to.y) + this.#radius];
    for (const tile of this.#picture.under(left, top, right, bottom)) {
      let ink = this.#inks.get(tile);
      if (!ink) this.#inks.set(tile, (ink = new Ink(this.#picture, tile, this.#mode === "add")));
      ink.line(from, to, this.#radius);
    }
  }
}

/** What one stroke does to one tile. */
class Ink {
  changed = false;
  #picture;
  #tile;
  #photo; // where the tile is, or null for erasing
  #before; // a Patch: the whole tile
  #strength; // of the brush at each pixel so far, 0 to 255
  #touched = emptyBox(); // since the beginning
  #unseen = emptyBox(); // since the last call of changes()

  constructor(picture, tile, adds) {
    this.#picture = picture;
    this.#tile = tile;
    this.#photo = adds ? picture.photoAt(tile) : null;
    this.#before = picture.copy(tile);
    this.#strength = new Uint8Array(tile.width * tile.height);
  }

  /** Draw along the line between two points, px of the picture. */
  line(from, to, radius) {
    const { x: tileX, y: tileY, width, height } = this.#tile;
    const left = Math.max(tileX, Math.floor(Math.min(from.x, to.x) - radius));
    const top = Math.max(tileY, Math.floor(Math.min(from.y, to.y) - radius));
    const right = Math.min(tileX + width, Math.ceil(Math.max(from.x, to.x) + radius));
    const bottom = Math.min(tileY + height, Math.ceil(Math.max(from.y, to.y) + radius));
    const drawn = emptyBox(); // where the brush goes on, few pixels are new
    const [{ data: pixels, width: across }, before, photo] = [this.#picture, this.#before.data, this.#photo];
    const strength = this.#strength;
    const [alongX, alongY] = [to.x - from.x, to.y - from.y];
    const perLength = 1 / Math.max(alongX ** 2 + alongY ** 2, 1e-9);
    const perRadius = FADE.length / radius ** 2;
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
        if (place >= FADE.length) continue;
        const has = FADE[place | 0];
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

  changes() {
    if (this.#unseen.left === Infinity) return [];
    const area = areaOf(this.#unseen);
    this.#unseen = emptyBox();
    return [this.#picture.copy(area)];
  }

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

/** The photo over what was there. */
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

function erase(pixels, at, before, from, strength) {
  pixels[at + 3] = (before[from + 3] * (255 - strength)) / 255;
  if (pixels[at + 3] === 0) pixels[at] = pixels[at + 1] = pixels[at + 2] = 0;
  return pixels[at + 3] !== before[from + 3];
}

/** Strength of the brush by the square of the distance from its middle, of which the last entry is the rim. */
function profile(length) {
  return Uint8Array.from({ length }, (_, place) => {
    const outside = Math.max(0, (Math.sqrt((place + 0.5) / length) - SOLID) / (1 - SOLID));
    return Math.round(255 * (1 - outside ** 2 * (3 - 2 * outside)));
  });
}

function between(from, to, part) {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

// Boxes: px of the picture, half-open ------------------------------------------------------------------------------

function emptyBox() {
  return { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
}

function include(box, other) {
  box.left = Math.min(box.left, other.left);
  box.top = Math.min(box.top, other.top);
  box.right = Math.max(box.right, other.right);
  box.bottom = Math.max(box.bottom, other.bottom);
}

function areaOf({ left, top, right, bottom }) {
  return { x: left, y: top, width: right - left, height: bottom - top };
}
