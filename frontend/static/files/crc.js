/** CRC-32, the checksum of PNG and ZIP files (PNG specification, annex D). */

const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** Compute the checksum. @param {Uint8Array} bytes @returns {number} 32 bits, unsigned */
export function crc32(bytes) {
  let sum = ~0;
  for (let at = 0; at < bytes.length; at++) sum = REMAINDERS[(sum ^ bytes[at]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}
