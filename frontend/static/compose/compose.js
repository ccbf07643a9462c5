/** The finished picture of a cut-out, px by px, by the server's rule. Leaves the making of a file of it to file.js. */

import { rgb } from "./behind.js";
import { outlined, outlineOf } from "./outline.js";
import { placed } from "./placing.js";
import { resampled } from "./resample.js";
import { shadowRow, thrown } from "./shadow.js";
import { turnOf } from "./turn.js";
import { turned } from "./turned.js";

/**
 * @typedef {import("./behind.js").Behind} Behind
 * @typedef {import("./behind.js").Rows} Rows
 * @typedef {import("./fields.js").Finish} Finish
 * @typedef {import("./placing.js").Box} Box
 * @typedef {import("./placing.js").Placing} Placing
 * @typedef {import("./resample.js").Part} Part
 * @typedef {import("../files/png.js").Pixels} Pixels straight RGBA
 */

const ROWS = 256; // that are made at once: what stands behind is never in memory as a whole

/**
 * Finish a cut-out.
 * @param {Pixels} cutout colour is zero wherever alpha is
 * @param {Finish} finish
 * @param {Behind[]} behind what stands behind it, the nearest first
 * @returns {Pixels} RGBA
 */
export function composed(cutout, finish, behind) {
  const below = under(cutout, finish);
  const placing = placed(cutout, below.box, finish, below.extent);
  const picture = laid(placing, below);
  for (const each of behind) layUnder(picture, each(placing));
  return picture;
}

/**
 * A cut-out on the plane, turned where that was asked for, and what lies right below it.
 * @typedef {object} Below
 * @property {Part} cutout
 * @property {import("./turn.js").Turn | null} turn
 * @property {import("./outline.js").Plane | null} outline
 * @property {number[]} colour of the outline: red, green, blue, 0 to 255
 * @property {import("./shadow.js").Shadow | null} shadow
 * @property {Box} box around cut-out and outline
 * @property {Box} extent around these and the shadow
 */

/**
 * Turn a cut-out, and draw what lies right below it.
 * @param {Pixels} cutout
 * @param {Finish} finish
 * @returns {Below}
 */
export function under(cutout, finish) {
  const upright = bounds(cutout);
  const turn = upright && finish.rotate ? turnOf(upright, finish.rotate) : null;
  const shown = upright && turn ? turned(cutout, upright, turn) : { x: 0, y: 0, ...cutout };
  const own = (turn ? bounds(shown) : upright) ?? [0, 0, cutout.width, cutout.height];
  const { px, colour } = outlineOf(finish.outline ?? "0 white");
  const outline = finish.outline ? outlined(shown, own, px) : null;
  const box = outline ? joined(own, boundsOf(outline)) : own;
  const both = (/** @type {number} */ y, /** @type {number} */ x0, /** @type {number} */ x1) =>
    together(shown, outline, y, x0, x1);
  const shadow = finish.shadow ? thrown(finish.shadow, both, box) : null;
  const extent = shadow ? joined(box, shadow.box) : box;
  return { cutout: shown, turn, outline, colour: rgb(colour), shadow, box, extent };
}

/** Return alpha of cut-out and outline together. @param {Part} cutout @param {Below["outline"]} outline @param {number} y @param {number} x0 @param {number} x1 */
function together(cutout, outline, y, x0, x1) {
  const { width, height, data } = cutout;
  const line = y - cutout.y;
  const row = new Uint8Array(x1 - x0);
  for (let x = x0; x < x1; x++) {
    const column = x - cutout.x;
    const inside = column >= 0 && column < width && line >= 0 && line < height;
    const own = inside ? data[(line * width + column) * 4 + 3] : 0;
    const around = outline ? alphaAt(outline, x, y) : 0;
    row[x - x0] = 255 - Math.round(((255 - own) * (255 - around)) / 255);
  }
  return row;
}

/** @param {import("./outline.js").Plane} plane @param {number} x @param {number} y */
function alphaAt(plane, x, y) {
  const [column, row] = [x - plane.x, y - plane.y];
  return column >= 0 && column < plane.width && row >= 0 && row < plane.height
    ? plane.alpha[row * plane.width + column]
    : 0;
}

/** @param {Box} one @param {Box} other @returns {Box} */
function joined(one, other) {
  const least = [0, 1].map((side) => Math.min(one[side], other[side]));
  return [...least, ...[2, 3].map((side) => Math.max(one[side], other[side]))];
}

/** @param {import("./outline.js").Plane} plane @returns {Box} around all that is not zero */
function boundsOf({ x, y, width, height, alpha }) {
  const first = alpha.findIndex((value) => value !== 0);
  const last = alpha.findLastIndex((value) => value !== 0);
  let [left, right] = [width, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < left; column++) if (alpha[row * width + column]) left = column;
    for (let column = width - 1; column >= right; column--) if (alpha[row * width + column]) right = column + 1;
  }
  return [x + left, y + Math.floor(first / width), x + right, y + Math.floor(last / width) + 1];
}

/**
 * Return the smallest box around everything with alpha; null without any.
 * @param {Pixels & {x?: number, y?: number}} pixels of a plane, from x, y on
 * @returns {Box | null}
 */
export function bounds({ x: corner = 0, y: edge = 0, width, height, data }) {
  const whole = new Uint32Array(data.buffer, data.byteOffset, width * height); // zero wherever alpha is
  let [first, last] = [0, whole.length - 1]; // plain loops: a call for each pixel takes ten times as long
  while (first < whole.length && whole[first] === 0) first++;
  if (first === whole.length) return null;
  while (whole[last] === 0) last--;
  const [top, bottom] = [Math.floor(first / width), Math.floor(last / width) + 1];
  let [left, right] = [width, 0];
  for (let y = top; y < bottom; y++) {
    const row = y * width;
    for (let x = 0; x < left; x++) if (whole[row + x] !== 0) left = x;
    for (let x = width - 1; x >= right; x--) if (whole[row + x] !== 0) right = x + 1;
  }
  return [corner + left, edge + top, corner + right, edge + bottom];
}

/**
 * Draw a picture, without what is behind.
 * @param {Placing} placing
 * @param {Below} below
 * @returns {Pixels}
 */
function laid(placing, below) {
  const { width, height, corner, scale } = placing;
  if (scale[0] !== 1 || scale[1] !== 1) return resampled(partOf(below, below.extent), placing);
  const [x, y] = corner.map(Math.round);
  const { data } = partOf(below, [x, y, x + width, y + height]);
  return { width, height, data };
}

/**
 * Draw a part of the plane: the cut-out, and what lies right below it.
 * @param {Below} below
 * @param {Box} box
 * @returns {Part}
 */
function partOf({ cutout, outline, colour, shadow }, [x0, y0, x1, y1]) {
  const part = {
    x: x0,
    y: y0,
    width: x1 - x0,
    height: y1 - y0,
    data: new Uint8ClampedArray((x1 - x0) * (y1 - y0) * 4),
  };
  copy(cutout, part, cutout.x - x0, cutout.y - y0);
  const dark = new Uint8Array(part.width);
  const line = new Uint8ClampedArray(part.width * 4);
  for (let y = y0; (outline || shadow) && y < y1; y++) {
    if (shadow) shadowRow(shadow, y, x0, dark);
    for (let x = 0; x < part.width; x++) {
      const over = outline ? alphaAt(outline, x0 + x, y) : 0;
      const alpha = over + (dark[x] * (255 - over)) / 255;
      for (let channel = 0; channel < 3; channel++) line[x * 4 + channel] = alpha && (colour[channel] * over) / alpha;
      line[x * 4 + 3] = alpha;
    }
    layOver(part.data.subarray((y - y0) * line.length, (y - y0 + 1) * line.length), line);
  }
  return part;
}

/**
 * Copy a picture into another, as far as it lies inside of it.
 * @param {Pixels} from
 * @param {Pixels} to
 * @param {number} left of `from` in `to`, px
 * @param {number} top of `from` in `to`, px
 */
function copy(from, to, left, top) {
  const [x0, x1] = [Math.max(left, 0), Math.min(left + from.width, to.width)];
  if (x0 >= x1) return;
  for (let y = Math.max(top, 0); y < Math.min(top + from.height, to.height); y++) {
    const start = ((y - top) * from.width + x0 - left) * 4;
    to.data.set(from.data.subarray(start, start + (x1 - x0) * 4), (y * to.width + x0) * 4);
  }
}

/** @param {Pixels} picture @param {Rows} behind */
function layUnder({ width, height, data }, behind) {
  for (let top = 0; top < height; top += ROWS) {
    const bottom = Math.min(top + ROWS, height);
    layOver(data.subarray(top * width * 4, bottom * width * 4), behind(top, bottom));
  }
}

/** Lay straight RGBA over other, in place. @param {Uint8ClampedArray} front becomes both @param {Uint8ClampedArray} back */
export function layOver(front, back) {
  for (let at = 0; at < front.length; at += 4) {
    const alpha = front[at + 3];
    if (alpha === 255) continue;
    const under = (back[at + 3] * (255 - alpha)) / 255;
    const both = alpha + under;
    if (both === 0) continue;
    front[at] = (front[at] * alpha + back[at] * under) / both;
    front[at + 1] = (front[at + 1] * alpha + back[at + 1] * under) / both;
    front[at + 2] = (front[at + 2] * alpha + back[at + 2] * under) / both;
    front[at + 3] = both;
  }
}
