/**
 * PNG and WebP pictures as the server turns them, by the orientation in their EXIF. Some browsers read that and some do
 * not, so this page turns them itself: a copy without an orientation is shown as it is stored by all of them. All other
 * kinds are left to the browser, as every one turns JPEG and AVIF.
 *
 * Formats: CIPA DC-008 (Exif), W3C PNG Specification (eXIf), Google WebP Container Specification (VP8X, EXIF).
 */

import { letters } from "../files/letters.js";

const ORIENTATION = 0x0112; // the tag: 1 is upright
const ENTRY = 12; // bytes: a tag, its type, how many values, the value
const LONG = 4; // a type of value: four bytes, where the rule is two
const HAS_EXIF = 8; // the flag of VP8X

/** From px as stored to px upright, as a canvas's transform a, b, c, d, by orientation from 2 to 8. */
const TURNS = [
  [-1, 0, 0, 1],
  [-1, 0, 0, -1],
  [1, 0, 0, -1],
  [0, 1, 1, 0],
  [0, 1, -1, 0],
  [0, -1, -1, 0],
  [0, -1, 1, 0],
];

/**
 * Turn a photo.
 * @param {Blob} blob a photo's file
 * @returns {Promise<Blob>} the upright picture as PNG; the file itself where that is upright, or cannot be decoded
 */
export async function upright(blob) {
  const told = orientationOf(new Uint8Array(await blob.arrayBuffer()));
  const turn = told && TURNS[told.value - 2];
  if (!turn) return blob;
  try {
    return await turned(new Blob(told.rest), turn);
  } catch {
    return blob; // or it is too large for this browser
  }
}

/** @param {Blob} blob @param {number[]} turn @returns {Promise<Blob>} PNG */
async function turned(blob, [a, b, c, d]) {
  const bitmap = await createImageBitmap(blob);
  const [width, height] = a ? [bitmap.width, bitmap.height] : [bitmap.height, bitmap.width];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas for a photo");
  context.setTransform(a, b, c, d, a + c < 0 ? width : 0, b + d < 0 ? height : 0);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob();
}

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** @typedef {{value: number, rest: BlobPart[]}} Orientation its value, and the file without it */

/** @param {Bytes} file @returns {Orientation | null} */
function orientationOf(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (letters(file, 1) === "PNG\r") return inPng(file, view);
    if (letters(file, 0) === "RIFF" && letters(file, 8) === "WEBP") return inWebp(file, view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the file ends where a value should be
  }
  return null;
}

/** @param {Bytes} file @param {DataView} view @returns {Orientation | null} */
function inPng(file, view) {
  for (let at = 8; at < file.length; at += 12 + view.getUint32(at)) {
    if (letters(file, at + 4) !== "eXIf") continue;
    const next = at + 12 + view.getUint32(at);
    const found = inExif(view, at + 8);
    return found && { value: found.value, rest: [file.subarray(0, at), file.subarray(next)] };
  }
  return null;
}

/** @param {Bytes} file @param {DataView} view @returns {Orientation | null} */
function inWebp(file, view) {
  if (letters(file, 12) !== "VP8X" || !(file[20] & HAS_EXIF)) return null;
  const sizeAt = (/** @type {number} */ at) => view.getUint32(at + 4, true);
  for (let at = 12; at < file.length; at += 8 + sizeAt(at) + (sizeAt(at) % 2)) {
    if (letters(file, at) !== "EXIF") continue;
    const found = inExif(view, at + 8);
    if (!found) return null;
    const rest = file.slice();
    rest.fill(0, found.start, found.end); // no checksum and no size covers it
    return { value: found.value, rest: [rest] };
  }
  return null;
}

/**
 * Find the orientation's entry in the first directory.
 * @param {DataView} view
 * @param {number} start
 * @returns {{value: number, start: number, end: number} | null}
 */
function inExif(view, start) {
  const header = view.getUint32(start) === 0x45786966 ? start + 6 : start; // "Exif" and two zeros, as a JPEG has them
  const little = view.getUint16(header) === 0x4949;
  const directory = header + view.getUint32(header + 4, little);
  const count = view.getUint16(directory, little);
  for (let at = directory + 2; at < directory + 2 + count * ENTRY; at += ENTRY) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const long = view.getUint16(at + 2, little) === LONG;
    const value = long ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
    return { value, start: at, end: at + ENTRY };
  }
  return null;
}
