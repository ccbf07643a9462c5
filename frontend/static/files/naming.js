/** What files are called: by a pattern, of characters that every system takes. Pure. */

/** @type {Record<string, string>} by media type */
const ENDINGS = { "image/png": "png", "image/webp": "webp", "image/jpeg": "jpg", "application/zip": "zip" };
const UNSAFE = /[^\p{L}\p{M}\p{N} ._()+-]+/gu;
const NO_WORD = /[^\p{L}\p{M}\p{N}]+/gu;
const ENDS = /^[-. ]+|[-. ]+$/g; // hidden files, and names that Windows cuts
const MOST = 150; // letters of a name: file systems take 255 bytes

/** Names a file as it is called without a wish: after its photo and what was cut out. */
export const PATTERN = "{name}-{object}";

/**
 * @typedef {object} Naming
 * @property {string} stem the photo's name without its ending
 * @property {string[]} names what was cut out, as its classes are called; empty is everything
 * @property {number} [number] of the photo among the others
 * @property {string} [pattern] `{name}`, `{object}` and `{number}` in it are replaced
 */

/**
 * Name a file: "Photo 1" and ["potted plant"] make "Photo 1-potted-plant.png".
 * @param {Naming} naming
 * @param {string} type the media type of what is saved
 */
export function fileName({ stem, names, number = 1, pattern = PATTERN }, type = "image/png") {
  const object = names.join("-").replace(NO_WORD, "-").slice(0, 60).replace(ENDS, "");
  /** @type {Record<string, string>} */
  const parts = {
    name: stem.slice(0, 80),
    object: object || "cut-out",
    number: String(number).padStart(2, "0"), // in the order of the photos where files are sorted by name
  };
  const made = pattern.replace(/\{(\w+)\}/g, (whole, part) => parts[part] ?? whole);
  return `${made.replace(UNSAFE, "-").slice(0, MOST).replace(ENDS, "") || parts.object}.${ENDINGS[type] ?? "png"}`;
}
