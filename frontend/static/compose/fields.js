/**
 * What a person chose, divided: what the server is asked for, always a transparent PNG as large as the photo, and what
 * this page makes of that. A change of the latter asks nobody.
 */

/** @typedef {import("../server/photos.js").Fields} Fields */

/**
 * What the page makes of a cut-out, by the names and in the words of the interface.
 * @typedef {object} Finish
 * @property {string} [background] `white`, `#rrggbb`, `blur` or `blur:<px of the photo>`
 * @property {File} [background_image]
 * @property {string} [backdrop_position] `x% y%`: which part of that picture is seen; the page's own, the server centres it
 * @property {boolean} [crop]
 * @property {string} [margin] px, or a share such as `5%`
 * @property {number} [max_size] px
 * @property {string} [canvas] `W:H`, a shape, or `WxH` px
 * @property {string} [scale] `10%` to `100%`
 * @property {string} [position] `center` or `x% y%`
 * @property {number} [rotate] degrees clockwise
 * @property {string} [shadow] `drop` or `contact`
 * @property {string} [outline] px of the photo and a colour: `4 white`, `4 #ff8800`
 * @property {string} [output] `both` for a ZIP of colours and transparency
 * @property {string} [format] `png`, `webp` or `jpeg`
 */

/** Where something lies in the picture. @typedef {Pick<Finish, "position" | "backdrop_position">} Position */

const FINISHING =
  "background background_image backdrop_position crop margin max_size canvas scale position rotate shadow outline output format".split(
    " ",
  );

/** @type {WeakSet<Blob>} pictures that this browser has failed to read: what needs one of them is made by the server */
const unreadables = new WeakSet();

/** The name of the error where this browser cannot read a picture that is wanted: the server can. */
export const UNREADABLE = "UnreadablePicture";

/** Note that this browser cannot read a picture. @param {Blob} picture */
export function markUnreadable(picture) {
  unreadables.add(picture);
}

/** Note the same, and return the error for it. @param {Blob} picture */
export function unreadable(picture) {
  markUnreadable(picture);
  return Object.assign(new Error("this browser cannot read a picture"), { name: UNREADABLE });
}

/**
 * Divide the fields of `/cut`.
 * @param {Fields} fields
 * @param {Blob | undefined} photo as the page can show it; a blurred background needs it
 * @returns {{asked: Fields, finish: Finish}} without a finish the server makes all of it
 */
export function divided(fields, photo) {
  const needed = [...(isBlurred(fields) ? [photo] : []), ...(picture(fields) ? [picture(fields)] : [])];
  if (needed.some((each) => !each || unreadables.has(each))) return { asked: forServer(fields), finish: {} };
  const entries = Object.entries(fields);
  const asked = Object.fromEntries(entries.filter(([name]) => !FINISHING.includes(name)));
  return { asked, finish: Object.fromEntries(entries.filter(([name]) => FINISHING.includes(name))) };
}

/** Return the fields that the server knows. @param {Fields} fields @returns {Fields} */
export function forServer({ backdrop_position: _, ...known }) {
  return known;
}

/** Return whether the server's answer to these fields is a transparent PNG as large as the photo. @param {Fields} fields */
export function isWhole(fields) {
  return !FINISHING.some((name) => name in fields);
}

/** Return whether a background is the photo itself, blurred. @param {Finish | Fields} fields */
export function isBlurred({ background }) {
  return String(background ?? "").startsWith("blur");
}

/** Return whether there is nothing to be made of a cut-out: the server's own file is what is wanted. @param {Finish} finish */
export function isPlain(finish) {
  return Object.entries(finish).every(([name, value]) => name === "format" && value === "png");
}

/** Return whether its pixels are needed to show a cut-out: it is turned, or what lies below depends on them. @param {Finish} finish */
export function needsPixels(finish) {
  return Boolean(finish.rotate || finish.shadow || finish.outline) || isBlurred(finish);
}

/** Return whether they are, or the cut-out's place depends on where it is transparent. @param {Finish} finish */
export function dependsOnPixels(finish) {
  return needsPixels(finish) || Boolean(finish.crop || finish.canvas || finish.scale || finish.position);
}

/** @param {Fields} fields */
function picture({ background_image: image }) {
  return image instanceof Blob ? image : null;
}
