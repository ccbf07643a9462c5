/** The pixels of a cut-out, and those of the photo behind it, tile by tile. */

import { decode } from "../files/png.js";
import { TILE, tiles } from "./tiles.js";

/**
 * @typedef {import("./history.js").Patch} Patch
 * @typedef {import("./tiles.js").Area} Area
 */

/** A cut-out, and the photo that it was cut from. */
export class Picture {
  #photo;
  #pixels;
  #tiles;
  #scratch = scratch();

  /**
   * Read a cut-out. Rejects where its size is not the photo's.
   * @param {ImageBitmap | null} photo stays open as long as the picture is in use; without one nothing can be added
   * @param {Blob} cutout of the same size
   */
  static async read(photo, cutout) {
    const picture = new Picture(photo, (await decode(cutout)) ?? (await throughCanvas(cutout)));
    const { width, height } = picture.#pixels;
    if (!photo || (photo.width === width && photo.height === height)) return picture;
    throw new RangeError(`photo ${photo.width} × ${photo.height}, cut-out ${width} × ${height}`);
  }

  /** @param {ImageBitmap | null} photo @param {import("../files/png.js").Pixels} pixels is drawn on */
  constructor(photo, pixels) {
    this.#photo = photo;
    this.#pixels = pixels;
    this.#tiles = tiles(pixels.width, pixels.height);
  }

  get pixels() {
    return this.#pixels;
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

  /**
   * Return the tiles that a rectangle touches, px, half-open.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  under(left, top, right, bottom) {
    return this.#tiles.filter(
      ({ x, y, width, height }) => x < right && y < bottom && x + width > left && y + height > top,
    );
  }

  /** @param {Area} tile @returns {Uint8ClampedArray<ArrayBuffer>} the photo where the tile is, straight RGBA */
  photoAt({ x, y, width, height }) {
    this.#scratch.clearRect(0, 0, TILE, TILE);
    if (this.#photo) this.#scratch.drawImage(this.#photo, -x, -y);
    return this.#scratch.getImageData(0, 0, width, height).data;
  }

  /** @param {Area} area @returns {Patch} */
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
}

function scratch() {
  const context = new OffscreenCanvas(TILE, TILE).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas for a photo");
  return context;
}

/** Read the pixels of a picture of any kind. @param {Blob} blob */
async function throughCanvas(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const picture = new Picture(bitmap, { width, height, data: new Uint8ClampedArray(width * height * 4) });
  for (const tile of tiles(width, height)) picture.put({ ...tile, data: picture.photoAt(tile) });
  bitmap.close();
  return { width, height, data: picture.data };
}
