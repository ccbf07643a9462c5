/**
 * PNG files of cut-outs as the server writes them, read and written bit for bit. A canvas keeps colours multiplied by
 * alpha: what goes through one comes back with other colours wherever it is half transparent.
 *
 * Format: W3C, Portable Network Graphics (PNG) Specification.
 */

import { crc32 } from "./crc.js";
import { letters } from "./letters.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = 4;
const KIND = [8, 6, 0, 0, 0]; // of IHDR: bits a channel, RGBA, and the only compression, filters and order of rows read
/** @type {Record<number, number>} the colour type of IHDR, by channels */
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 };
const SUB = 1; // the filter that stores the difference to the pixel on the left: the server's for every row

/**
 * @typedef {object} Pixels
 * @property {number} width px
 * @property {number} height px
 * @property {Uint8ClampedArray<ArrayBuffer>} data (height, width, 4): straight RGBA
 */

/**
 * Read a PNG file.
 * @param {Blob} blob
 * @returns {Promise<Pixels | null>} null for every other kind of picture or PNG; rejects for a damaged one
 */
export async function decode(blob) {
  const file = await blob.arrayBuffer();
  const bytes = new Uint8Array(file);
  if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) return null;
  const view = new DataView(file);
  const [width, height] = [view.getUint32(16), view.getUint32(20)]; // IHDR is always the first chunk
  if (KIND.some((byte, at) => bytes[24 + at] !== byte)) return null;
  const packed = [];
  for (let at = SIGNATURE.length; at < bytes.length; at += 12 + view.getUint32(at)) {
    const length = view.getUint32(at);
    if (letters(bytes, at + 4) === "IDAT") packed.push(bytes.subarray(at + 8, at + 8 + length));
  }
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const filtered = new Uint8ClampedArray(await new Response(stream).arrayBuffer());
  if (filtered.length !== height * (1 + width * CHANNELS)) throw new RangeError("a PNG file that ends too early");
  const data = unfilter(filtered, width * CHANNELS, height);
  return data && { width, height, data };
}

/**
 * Read a PNG file's size from its first bytes.
 * @param {Blob} blob
 * @returns {Promise<{width: number, height: number} | null>} px; null for every other kind of picture
 */
export async function sizeOf(blob) {
  const bytes = new DataView(await blob.slice(0, 24).arrayBuffer());
  if (bytes.byteLength < 24 || SIGNATURE.some((byte, at) => bytes.getUint8(at) !== byte)) return null;
  return { width: bytes.getUint32(16), height: bytes.getUint32(20) };
}

/**
 * Write a PNG file: grey, RGB where nothing of the picture is transparent, else RGBA.
 * @param {Pixels} pixels with a grey value a pixel in place of RGBA for a grey one
 * @returns {Promise<Blob>}
 */
export async function encode({ width, height, data }) {
  const given = data.length / (width * height);
  const kept = given === CHANNELS && isOpaque(data) ? CHANNELS - 1 : given;
  const row = width * kept;
  const filtered = new Uint8Array(height * (1 + row));
  for (let y = 0, to = 0; y < height; y++) {
    filtered[to] = SUB;
    to++;
    for (let x = 0, from = y * width * given; x < width; x++, from += given) {
      for (let channel = 0; channel < kept; channel++, to++) {
        filtered[to] = data[from + channel] - (x > 0 ? data[from + channel - given] : 0);
      }
    }
  }
  const stream = new Blob([filtered]).stream().pipeThrough(new CompressionStream("deflate"));
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  for (const [at, byte] of KIND.entries()) header.setUint8(8 + at, byte);
  header.setUint8(9, COLOUR_TYPES[kept]);
  const parts = [
    new Uint8Array(SIGNATURE),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", new Uint8Array(await new Response(stream).arrayBuffer())),
    chunk("IEND", new Uint8Array()),
  ];
  return new Blob(parts, { type: "image/png" });
}

/** @param {Uint8ClampedArray} data RGBA */
function isOpaque(data) {
  for (let at = 3; at < data.length; at += CHANNELS) if (data[at] !== 255) return false;
  return true;
}

/**
 * Undo each row's filter, in place: without the byte that names it, a row lies before where it was.
 * @param {Uint8ClampedArray<ArrayBuffer>} bytes (height, 1 + row)
 * @param {number} row bytes
 * @param {number} height
 * @returns {Uint8ClampedArray<ArrayBuffer> | null} (height, row); null where there is a filter other than SUB
 */
function unfilter(bytes, row, height) {
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * (1 + row) + 1, y * row];
    if (bytes[from - 1] !== SUB) return null;
    for (let x = 0; x < CHANNELS; x++) bytes[to + x] = bytes[from + x];
    for (let x = CHANNELS; x < row; x++) bytes[to + x] = (bytes[from + x] + bytes[to + x - CHANNELS]) & 255;
  }
  return bytes.subarray(0, height * row);
}

/**
 * Make a part of the file: its length, its kind, what it holds, and a check of the latter two.
 * @param {string} kind
 * @param {Uint8Array} content
 */
function chunk(kind, content) {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let at = 0; at < 4; at++) bytes[4 + at] = kind.charCodeAt(at);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}
