/** From a finished picture to the bytes of a file, of the kinds that the server writes. */

import { encode } from "../files/png.js";
import { zip } from "../files/zip.js";

const JPEG = 0.92; // quality, as the server's
const LOSSLESS = 1; // WebP of this quality is
const FULL_COLOUR = 1; // JPEG of this quality keeps colour at full resolution: else the black outside would run into edges

/** The name of the error where a browser cannot write a kind of file. */
export const UNWRITABLE = "UnwritableFormat";

/**
 * Write a file.
 * @param {import("../files/png.js").Pixels} pixels RGBA
 * @param {import("./fields.js").Finish} finish its `format`, or the ZIP of its `output`
 * @returns {Promise<Blob>} rejects with an error named UNWRITABLE
 */
export async function fileOf(pixels, { format = "png", output }) {
  if (output === "both") return parts(pixels);
  if (format === "png") return encode(pixels);
  return throughCanvas(pixels, `image/${format}`, format === "jpeg" ? JPEG : LOSSLESS);
}

/** The colours as they are, black where alpha is zero, and the transparency. @param {import("../files/png.js").Pixels} pixels */
async function parts({ width, height, data }) {
  const alpha = new Uint8ClampedArray(width * height);
  const colours = data.slice();
  for (let at = 0; at < alpha.length; at++) {
    alpha[at] = data[at * 4 + 3];
    colours[at * 4 + 3] = 255;
  }
  return zip([
    { name: "cutout.jpg", blob: await throughCanvas({ width, height, data: colours }, "image/jpeg", FULL_COLOUR) },
    { name: "alpha.png", blob: await encode({ width, height, data: alpha }) },
  ]);
}

/** @param {import("../files/png.js").Pixels} pixels @param {string} type @param {number} quality 0 to 1 */
async function throughCanvas({ width, height, data }, type, quality) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas for a picture");
  context.putImageData(new ImageData(data, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type, quality });
  if (blob.type === type) return blob;
  throw Object.assign(new Error(`this browser writes no ${type}`), { name: UNWRITABLE });
}
