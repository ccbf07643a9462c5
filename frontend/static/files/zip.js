/** Several files as one ZIP. The entries are stored as they are: pictures are compressed already. */

import { crc32 } from "./crc.js";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const MOST_FILES = 0xffff; // more need the 64-bit format, as do more than 4 GiB
const MOST_BYTES = 0xffffffff;

/**
 * Pack files.
 * @param {{name: string, blob: Blob}[]} files names that occur twice get a number
 * @returns {Promise<Blob>} rejects with a RangeError beyond 65,535 files or 4 GiB
 */
export async function zip(files) {
  const parts = [];
  const directory = [];
  const names = unique(files.map(({ name }) => name));
  const now = dosTime(new Date());
  let offset = 0;
  for (const [index, { blob }] of files.entries()) {
    const name = new TextEncoder().encode(names[index]);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer())); // one file in memory at a time
    const common = [
      [2, VERSION],
      [2, UTF8_NAMES],
      [2, 0],
      [4, now],
      [4, crc],
      [4, blob.size],
      [4, blob.size],
      [2, name.length],
      [2, 0],
    ];
    const header = packed([[4, LOCAL], ...common]);
    parts.push(header, name, blob);
    // No comment, first disk, no attributes.
    directory.push(packed([[4, CENTRAL], [2, VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name);
    offset += header.length + name.length + blob.size;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  if (files.length > MOST_FILES || offset + size > MOST_BYTES) throw new RangeError("too much for one ZIP");
  const end = packed([
    [4, END],
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
    [4, size],
    [4, offset],
    [2, 0],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Pack little-endian numbers after one another, each as [bytes, value]. @param {number[][]} fields */
function packed(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  let place = 0;
  for (const [width, value] of fields) {
    for (let byte = 0; byte < width; byte++) {
      bytes[place] = value >>> (8 * byte);
      place++;
    }
  }
  return bytes;
}

/** Encode date and time as MS-DOS does, in steps of two seconds. @param {Date} date */
function dosTime(date) {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

/**
 * Make names that no system refuses, hides or takes for a folder; "cat.png" twice makes "cat.png" and "cat (2).png".
 * @param {string[]} names
 */
function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    const safe = name.replace(/[\\/:*?"<>|\p{Cc}]/gu, "-").replace(/^\.+/, "") || "file";
    const [, stem, ending] = safe.match(/^(.*?)(\.[^.]*|)$/u) ?? ["", safe, ""];
    let next = safe;
    for (let count = 2; taken.has(next.toLowerCase()); count++) next = `${stem} (${count})${ending}`;
    taken.add(next.toLowerCase());
    return next;
  });
}
