/**
 * A round, soft brush on the final cut-out: "add" brings the photo's own pixels back, "erase" takes alpha away.
 * The picture is kept in tiles, so that a stroke touches, and the browser uploads, only what is under it.
 */

import { History } from "./history.js";

const TILE = 512; // px: 1 MB
const SIZES = { least: 4, most: 240 }; // diameter, CSS px
const SIZE_STEP = 1.2;
const SOLID = 0.6; // the part of the radius that is drawn fully; from there it fades
const FADE = profile(1024);
const LEAST_RADIUS = 0.75; // px of the picture: a dab always meets the centre of a pixel
const SHOW_SIZE_MS = 900;
const FRAME_MS = 12; // of work at a time, so that the page keeps its 60 frames a second

/** Draws on the picture of a viewer, as its pen. Dispatches "change" when what can be edited changes. */
export class Brush extends EventTarget {
  #viewer;
  #ring = ring();
  #ringTimer = 0;
  #over = false; // a pointer is over the port
  #size = 48;
  #source = null; // {photo, cutout} of the last offer
  #editable = false;
  #opening = null; // the promise of what is read for editing
  #picture = null; // Picture, once it is read
  #stroke = null;
  #waiting = []; // points that the next frame draws
  #frame = 0;

  /** @type {History} of the strokes since the last offer */
  history = new History((patch) => this.#picture.exchange(patch));

  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    super();
    this.#viewer = viewer;
    viewer.pen = this;
    viewer.port.append(this.#ring);
    this.size = this.#size;
    viewer.addEventListener("change", () => {
      if (viewer.mode !== "view") this.#open();
    });
  }

  /**
   * Whether the viewer's picture can be edited: a final, transparent cut-out of the full photo. One that is cropped,
   * made smaller or on a background has no pixel of the photo behind each of its own, or no alpha to change.
   */
  get canEdit() {
    return this.#editable && this.#viewer.final;
  }

  /** Whether the picture differs from the one that was offered. */
  get edited() {
    return this.history.changed;
  }

  get sizes() {
    return SIZES;
  }

  /** Diameter, CSS px on the screen: zooming in makes finer strokes. */
  get size() {
    return this.#size;
  }

  set size(wanted) {
    this.#size = Math.round(Math.min(SIZES.most, Math.max(SIZES.least, wanted)));
    this.#ring.style.inlineSize = this.#ring.style.blockSize = `${this.#size}px`;
    if (!this.#over) this.#showSize();
    this.dispatchEvent(new Event("change"));
  }

  larger() {
    this.size = Math.max(this.#size + 1, this.#size * SIZE_STEP);
  }

  smaller() {
    this.size = Math.min(this.#size - 1, this.#size / SIZE_STEP);
  }

  /**
   * Make the picture that the viewer shows the one to edit. Nothing is decoded before the viewer's mode asks for it.
   *
   * @param {{blob: Blob, width: number, height: number} | null} photo px, upright; null if it cannot be shown
   * @param {{blob: Blob, width: number, height: number, transparent: boolean}} cutout px
   */
  offer(photo, cutout) {
    this.clear();
    this.#source = { photo, cutout };
    this.#editable =
      photo !== null && cutout.transparent && photo.width === cutout.width && photo.height === cutout.height;
    this.dispatchEvent(new Event("change"));
  }

  /** Forget the picture and its edits. */
  clear() {
    this.#abandon();
    this.#viewer.mode = "view";
    this.#source = this.#opening = this.#picture = null;
    this.#editable = false;
    this.history.clear();
    this.dispatchEvent(new Event("change"));
  }

  /** As far as no stroke is being drawn: its pixels are not yet in the history. */
  undo() {
    if (!this.#stroke) this.history.undo();
  }

  redo() {
    if (!this.#stroke) this.history.redo();
  }

  /**
   * The picture as it was edited, at full size; colour is zero wherever alpha is zero.
   *
   * @param {"image/png" | "image/webp"} type a browser that cannot write it gives PNG: see the blob's type
   * @returns {Promise<Blob>} the offered blob itself when nothing was edited
   */
  async toBlob(type = "image/png") {
    const { blob } = this.#source.cutout;
    if (!this.edited && blob.type === type) return blob;
    await this.#open();
    return this.#picture.toBlob(type);
  }

  // The viewer's pen ------------------------------------------------------------------------------------------------

  begin(point) {
    if (!this.#picture) return; // still being read
    const radius = Math.max(LEAST_RADIUS, this.#size / 2 / this.#viewer.scale);
    this.#stroke = new Stroke(this.#picture, this.#viewer.mode, radius);
    this.extend([point]);
  }

  extend(points) {
    if (!this.#stroke) return;
    this.#waiting.push(...points);
    this.#frame ||= requestAnimationFrame(() => this.#drawWaiting());
  }

  finish() {
    if (!this.#stroke) return;
    this.#drawWaiting();
    const replaced = this.#stroke.replaced();
    this.#stroke = null;
    if (!replaced.length) return;
    this.history.push(replaced);
    this.dispatchEvent(new Event("change"));
  }

  cancel() {
    this.#stroke?.takeBack();
    this.#abandon();
  }

  hover(place) {
    this.#over = place !== null;
    this.#ring.hidden = !place;
    if (place) this.#ring.style.translate = `${place.x}px ${place.y}px`;
  }

  #drawWaiting() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#stroke.through(this.#waiting);
    this.#waiting = [];
  }

  #abandon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#waiting = [];
    this.#stroke = null;
  }

  /** Show the ring in the middle for a moment, so that a new size is seen while no pointer is there. */
  #showSize() {
    clearTimeout(this.#ringTimer);
    if (this.#viewer.mode === "view") return;
    const { clientWidth, clientHeight } = this.#viewer.port;
    this.#ring.style.translate = `${clientWidth / 2}px ${clientHeight / 2}px`;
    this.#ring.hidden = false;
    this.#ringTimer = setTimeout(() => (this.#ring.hidden = !this.#over), SHOW_SIZE_MS);
  }

  /** Read the photo and the cut-out, and show the picture that strokes are drawn on. */
  #open() {
    if (!this.#editable) {
      this.#viewer.mode = "view";
      return Promise.resolve();
    }
    return (this.#opening ??= this.#read(this.#source));
  }

  async #read(source) {
    this.#viewer.port.ariaBusy = "true";
    try {
      const picture = await Picture.read(source.photo.blob, source.cutout.blob);
      if (this.#source !== source) return;
      this.#picture = picture;
      this.#viewer.swap(picture.element);
    } catch (problem) {
      if (this.#source !== source) return;
      this.#editable = false; // no memory for it, or sizes that are not what they were said to be
      this.#viewer.mode = "view";
      this.dispatchEvent(new Event("change"));
      console.warn(problem);
    } finally {
      this.#viewer.port.ariaBusy = null;
    }
  }
}

/** The cut-out in tiles, and the photo that it was cut from. */
class Picture {
  /** Shows it, one CSS px per px. */
  element = document.createElement("div");
  #photo;
  #width;
  #height;
  #tiles = [];
  #columns;
  #scratch = canvas(TILE, TILE).getContext("2d", { willReadFrequently: true });

  /**
   * @param {Blob} photo
   * @param {Blob} cutout straight RGBA of the same size
   */
  static async read(photo, cutout) {
    const [behind, front] = await Promise.all([createImageBitmap(photo), createImageBitmap(cutout)]);
    if (behind.width !== front.width || behind.height !== front.height) {
      throw new RangeError(`photo ${behind.width} × ${behind.height}, cut-out ${front.width} × ${front.height}`);
    }
    const picture = new Picture(behind);
    let since = performance.now();
    for (const tile of picture.#tiles) {
      tile.context.drawImage(front, -tile.x, -tile.y);
      if (performance.now() - since < FRAME_MS) continue;
      await pause(); // the page goes on meanwhile
      since = performance.now();
    }
    front.close();
    return picture;
  }

  constructor(photo) {
    this.#photo = photo;
    this.#width = photo.width;
    this.#height = photo.height;
    this.#columns = Math.ceil(photo.width / TILE);
    this.element.className = "brush-picture";
    for (let y = 0; y < photo.height; y += TILE) {
      for (let x = 0; x < photo.width; x += TILE) {
        this.#tiles.push(new Tile(x, y, Math.min(TILE, photo.width - x), Math.min(TILE, photo.height - y)));
      }
    }
    this.element.append(...this.#tiles.map((tile) => tile.context.canvas));
  }

  /** The tiles that a rectangle touches, px, half-open. */
  *tiles(left, top, right, bottom) {
    const rows = this.#tiles.length / this.#columns;
    const [firstRow, endRow] = [Math.max(0, Math.floor(top / TILE)), Math.min(rows, Math.ceil(bottom / TILE))];
    const first = Math.max(0, Math.floor(left / TILE));
    const end = Math.min(this.#columns, Math.ceil(right / TILE));
    for (let row = firstRow; row < endRow; row++) {
      for (let column = first; column < end; column++) yield this.#tiles[row * this.#columns + column];
    }
  }

  /** @returns {ImageData} the photo where the tile is */
  photoAt(tile) {
    this.#scratch.clearRect(0, 0, TILE, TILE);
    this.#scratch.drawImage(this.#photo, -tile.x, -tile.y);
    return this.#scratch.getImageData(0, 0, tile.width, tile.height);
  }

  /** @type {(patch: import("./history.js").Patch) => import("./history.js").Patch} within one tile */
  exchange({ x, y, image }) {
    const [tile] = this.tiles(x, y, x + 1, y + 1);
    const area = { left: x - tile.x, top: y - tile.y, right: x - tile.x + image.width, bottom: y - tile.y + image.height };
    const replaced = cropped(tile.pixels, area);
    paste(tile.pixels, image, area);
    tile.show(area);
    return { x, y, image: replaced };
  }

  async toBlob(type) {
    const whole = new OffscreenCanvas(this.#width, this.#height);
    const context = whole.getContext("2d");
    for (const tile of this.#tiles) context.drawImage(tile.context.canvas, tile.x, tile.y);
    return whole.convertToBlob({ type, quality: 1 }); // WebP is lossless at 1
  }
}

/** A part of the picture: a canvas that shows it, and its pixels from the first stroke on. */
class Tile {
  #pixels = null;

  constructor(x, y, width, height) {
    this.x = x;
    this.y = y;
    this.width = width;
    this.height = height;
    // In main memory: reading it waits for no GPU, and every browser rounds colours there in the same way.
    this.context = canvas(width, height).getContext("2d", { willReadFrequently: true });
    this.context.canvas.style.left = `${x}px`;
    this.context.canvas.style.top = `${y}px`;
  }

  /** @returns {ImageData} straight RGBA; `show` what was changed in it */
  get pixels() {
    return (this.#pixels ??= this.context.getImageData(0, 0, this.width, this.height));
  }

  show({ left, top, right, bottom }) {
    this.context.putImageData(this.pixels, 0, 0, left, top, right - left, bottom - top);
  }
}

/**
 * From pressing to lifting the pointer. A pixel takes the strongest dab that passes over it, not their sum: strokes
 * that cross themselves keep a soft edge.
 */
class Stroke {
  #picture;
  #adds;
  #radius;
  #inks = new Map(); // Tile to Ink
  #last = null;

  /**
   * @param {Picture} picture
   * @param {"add" | "erase"} mode
   * @param {number} radius px of the picture
   */
  constructor(picture, mode, radius) {
    this.#picture = picture;
    this.#adds = mode === "add";
    this.#radius = radius;
  }

  /** @param {{x: number, y: number}[]} points px of the picture */
  through(points) {
    for (const [index, point] of points.entries()) {
      const from = this.#last ?? point;
      const length = Math.hypot(point.x - from.x, point.y - from.y);
      // Nearer than that, a straight line shows no corner.
      if (this.#last && index < points.length - 1 && length < this.#radius / 4) continue;
      // Pieces: the bounding box of a long slanted line is mostly empty.
      const pieces = Math.max(1, Math.ceil(length / (2 * this.#radius)));
      for (let piece = 0; piece < pieces; piece++) {
        this.#line(between(from, point, piece / pieces), between(from, point, (piece + 1) / pieces));
      }
      this.#last = point;
    }
    for (const ink of this.#inks.values()) ink.show();
  }

  /** @returns {import("./history.js").Patch[]} the pixels that were there before */
  replaced() {
    return [...this.#inks.values()].filter((ink) => ink.changed).map((ink) => ink.replaced());
  }

  takeBack() {
    for (const ink of this.#inks.values()) ink.takeBack();
  }

  #line(from, to) {
    const [left, right] = [Math.min(from.x, to.x) - this.#radius, Math.max(from.x, to.x) + this.#radius];
    const [top, bottom] = [Math.min(from.y, to.y) - this.#radius, Math.max(from.y, to.y) + this.#radius];
    for (const tile of this.#picture.tiles(left, top, right, bottom)) {
      let ink = this.#inks.get(tile);
      if (!ink) this.#inks.set(tile, (ink = new Ink(tile, this.#adds ? this.#picture.photoAt(tile) : null)));
      ink.line(from, to, this.#radius);
    }
  }
}

/** What one stroke does to one tile. */
class Ink {
  changed = false;
  #tile;
  #photo; // ImageData, or null for erasing
  #before;
  #strength; // of the brush at each pixel so far, 0 to 255
  #touched = emptyArea(); // since the beginning
  #unseen = emptyArea(); // since the last show()

  constructor(tile, photo) {
    this.#tile = tile;
    this.#photo = photo;
    this.#before = cropped(tile.pixels, { left: 0, top: 0, right: tile.width, bottom: tile.height });
    this.#strength = new Uint8Array(tile.width * tile.height);
  }

  /** Draw along the line between two points, px of the picture. */
  line(from, to, radius) {
    const { x: tileX, y: tileY, width, height } = this.#tile;
    const area = {
      left: Math.max(0, Math.floor(Math.min(from.x, to.x) - radius) - tileX),
      top: Math.max(0, Math.floor(Math.min(from.y, to.y) - radius) - tileY),
      right: Math.min(width, Math.ceil(Math.max(from.x, to.x) + radius) - tileX),
      bottom: Math.min(height, Math.ceil(Math.max(from.y, to.y) + radius) - tileY),
    };
    if (area.left >= area.right || area.top >= area.bottom) return;
    const [pixels, before, photo] = [this.#tile.pixels.data, this.#before.data, this.#photo?.data];
    const strength = this.#strength;
    const [alongX, alongY] = [to.x - from.x, to.y - from.y];
    const perLength = 1 / Math.max(alongX ** 2 + alongY ** 2, 1e-9);
    const perRadius = FADE.length / radius ** 2;
    let changed = this.changed;
    for (let y = area.top; y < area.bottom; y++) {
      const offY = tileY + y + 0.5 - from.y;
      for (let x = area.left; x < area.right; x++) {
        const pixel = y * width + x;
        const had = strength[pixel];
        if (had === 255) continue;
        const offX = tileX + x + 0.5 - from.x;
        const part = Math.min(1, Math.max(0, (offX * alongX + offY * alongY) * perLength));
        const [awayX, awayY] = [offX - part * alongX, offY - part * alongY];
        const place = (awayX * awayX + awayY * awayY) * perRadius;
        if (place >= FADE.length) continue;
        const has = FADE[place | 0];
        if (has <= had) continue;
        strength[pixel] = has;
        const now = photo ? add(pixels, before, photo, pixel * 4, has) : erase(pixels, before, pixel * 4, has);
        changed ||= now;
      }
    }
    this.changed = changed;
    include(this.#touched, area);
    include(this.#unseen, area);
  }

  show() {
    if (this.#unseen.right > this.#unseen.left) this.#tile.show(this.#unseen);
    this.#unseen = emptyArea();
  }

  replaced() {
    const { left, top } = this.#touched;
    return { x: this.#tile.x + left, y: this.#tile.y + top, image: cropped(this.#before, this.#touched) };
  }

  takeBack() {
    this.#tile.pixels.data.set(this.#before.data);
    this.#tile.show(this.#touched);
  }
}

// One pixel, at an index of straight RGBA; both tell whether it differs from what was there before the stroke. Free
// functions of arrays: the inner loop runs some million times in a frame.

/** The photo over what was there. */
function add(pixels, before, photo, at, strength) {
  const over = (strength * photo[at + 3]) / 255;
  const under = (before[at + 3] * (255 - over)) / 255;
  const alpha = over + under;
  if (alpha === 0) return false;
  pixels[at] = (photo[at] * over + before[at] * under) / alpha;
  pixels[at + 1] = (photo[at + 1] * over + before[at + 1] * under) / alpha;
  pixels[at + 2] = (photo[at + 2] * over + before[at + 2] * under) / alpha;
  pixels[at + 3] = alpha;
  return (
    pixels[at + 3] !== before[at + 3] ||
    pixels[at] !== before[at] ||
    pixels[at + 1] !== before[at + 1] ||
    pixels[at + 2] !== before[at + 2]
  );
}

function erase(pixels, before, at, strength) {
  pixels[at + 3] = (before[at + 3] * (255 - strength)) / 255;
  if (pixels[at + 3] === 0) pixels[at] = pixels[at + 1] = pixels[at + 2] = 0;
  return pixels[at + 3] !== before[at + 3];
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

// Areas: px of a tile, half-open -----------------------------------------------------------------------------------

function emptyArea() {
  return { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
}

function include(area, other) {
  area.left = Math.min(area.left, other.left);
  area.top = Math.min(area.top, other.top);
  area.right = Math.max(area.right, other.right);
  area.bottom = Math.max(area.bottom, other.bottom);
}

function cropped(image, { left, top, right, bottom }) {
  const part = new ImageData(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const row = (y * image.width + left) * 4;
    part.data.set(image.data.subarray(row, row + part.width * 4), (y - top) * part.width * 4);
  }
  return part;
}

function paste(image, part, { left, top }) {
  for (let y = 0; y < part.height; y++) {
    const row = part.data.subarray(y * part.width * 4, (y + 1) * part.width * 4);
    image.data.set(row, ((top + y) * image.width + left) * 4);
  }
}

function canvas(width, height) {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  return element;
}

/** The cursor; its inside is clear, its middle lies on the pointer. */
function ring() {
  const element = document.createElement("div");
  element.className = "brush-ring";
  element.hidden = true;
  return element;
}

function pause() {
  return new Promise((resume) => setTimeout(resume));
}
