/** The names that binary formats have in them: of the file's kind, of its chunks. */

/**
 * Read a name.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {string} four ASCII characters, fewer where the bytes end
 */
export function letters(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
