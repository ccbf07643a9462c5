/** Elements that show a picture. */

import { make } from "../elements.js";

/** @typedef {ImageBitmap | Blob | string | HTMLElement} Source an element is taken as it is; a string is an address */

/**
 * Make an element that shows `source`, decoded, so that it appears without an empty frame.
 * @param {Source} source an ImageBitmap is drawn, not taken over
 * @returns {Promise<HTMLElement>} rejects if it cannot be decoded
 */
export async function layer(source) {
  if (source instanceof HTMLElement) return source;
  if (source instanceof ImageBitmap) {
    const canvas = make("canvas", { width: source.width, height: source.height });
    canvas.getContext("2d")?.drawImage(source, 0, 0);
    return canvas;
  }
  return decoded(source);
}

/** Return a decoded image; rejects if it cannot be decoded. @param {Blob | string} source */
export async function decoded(source) {
  const image = make("img", { alt: "" });
  const address = typeof source === "string" ? source : URL.createObjectURL(source);
  image.src = address;
  try {
    await image.decode();
  } finally {
    if (address !== source) URL.revokeObjectURL(address);
  }
  return image;
}
