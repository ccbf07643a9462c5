/** A worker beside the page: makes a picture smaller. Called by prepare.js. */

import { serve } from "../workers/serve.js";

const QUALITY = 0.92; // of JPEG, as the server's
const STEP = 0.9; // of the sides, at least, from one try to the next
const ROWS = 512; // that are read at once

/** @typedef {{bytes: number, pixels: number, side: number}} Most what a picture may have; side: px of the longer one */

serve({
  /**
   * Make a picture smaller until it is small enough.
   * @param {{picture: Blob, most: Most}} values
   * @returns {Promise<Blob>} upright: JPEG, or PNG where something is transparent
   */
  async shrink({ picture, most }) {
    const bitmap = await createImageBitmap(picture, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    let share = Math.min(1, Math.sqrt(most.pixels / (width * height)), most.side / Math.max(width, height));
    for (;;) {
      const made = await drawn(bitmap, Math.floor(width * share), Math.floor(height * share));
      if (made.size <= most.bytes) return made;
      share *= Math.min(STEP, Math.sqrt(most.bytes / made.size));
    }
  },
});

/** @param {ImageBitmap} bitmap @param {number} width @param {number} height */
async function drawn(bitmap, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas for a photo");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.convertToBlob({ type: isOpaque(context) ? "image/jpeg" : "image/png", quality: QUALITY });
}

/** @param {OffscreenCanvasRenderingContext2D} context */
function isOpaque(context) {
  const { width, height } = context.canvas;
  for (let top = 0; top < height; top += ROWS) {
    const { data } = context.getImageData(0, top, width, Math.min(ROWS, height - top));
    const pixels = new Uint32Array(data.buffer); // little-endian: alpha is the high byte
    if (pixels.some((pixel) => pixel < 0xff000000)) return false;
  }
  return true;
}
