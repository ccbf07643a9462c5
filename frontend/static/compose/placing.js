/**
 * Which part of the plane a finished picture shows, and at what size: the photo, the trimmed cut-out, or a canvas around
 * it. The server's rule (`handler/objectcut/picture/frame.py`), number by number. The plane has no borders, and its px
 * are those of the photo. Pure.
 */

/**
 * @typedef {import("./fields.js").Finish} Finish
 * @typedef {{width: number, height: number}} Size px
 * @typedef {number[]} Box x0, y0, x1, y1, half-open, px of the photo; may reach beyond it
 */

/**
 * @typedef {object} Placing
 * @property {number} width of the picture, px
 * @property {number} height of the picture, px
 * @property {number[]} corner x, y of its upper left corner, px of the photo; in between two on a canvas
 * @property {number[]} scale px of the photo per px of the picture, across and down
 * @property {Box | null} limits beyond which resampling sees nothing at all; null where it sees transparency
 */

/** The name of the error where a margin leaves no room on a canvas. */
export const NO_ROOM = "NoRoom";

const MOST_PIXELS = 25_000_000; // of a canvas that has a shape alone
const MOST_SIDE = 16_384; // px

/**
 * Place a cut-out.
 * @param {Size} photo
 * @param {Box} box around everything that is kept, its outline included
 * @param {Finish} finish
 * @param {Box} extent around that and its shadow
 * @returns {Placing} throws an error named NO_ROOM
 */
export function placed(photo, box, finish, extent = box) {
  if (finish.canvas || finish.scale || finish.position) return onCanvas(photo, box, finish);
  const window = finish.crop ? trimmed(photo, extent, finish) : [0, 0, photo.width, photo.height];
  const whole = [window[2] - window[0], window[3] - window[1]];
  const [width, height] = bounded(whole, finish.max_size);
  const scale = [whole[0] / width, whole[1] / height];
  return { width, height, corner: [window[0], window[1]], scale, limits: window };
}

/** Return where in the picture the photo's px lie, as scale and offset each way. @param {Placing} placing */
export function transform({ corner, scale }) {
  const [scaleX, scaleY] = [1 / scale[0], 1 / scale[1]];
  return { x: -corner[0] * scaleX, y: -corner[1] * scaleY, scaleX, scaleY };
}

/** @param {Size} photo @param {Box} box @param {Finish} finish @returns {Box} */
function trimmed({ width, height }, box, { background = "", margin }) {
  const inner = background.startsWith("blur") // beyond the photo there is nothing to blur, and no ground for a shadow
    ? [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], width), Math.min(box[3], height)]
    : box;
  const room = marginOf(margin, [inner[2] - inner[0], inner[3] - inner[1]]);
  return [inner[0] - room, inner[1] - room, inner[2] + room, inner[3] + room];
}

/** @param {Size} photo @param {Box} box @param {Finish} finish @returns {Placing} */
function onCanvas(photo, box, finish) {
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  const share = finish.scale ? Number.parseFloat(finish.scale) : 100;
  const smallest = smallestOf([width, height], share, finish);
  const size = smallest ? affordable(smallest) : (sidesOf(finish.canvas, "x") ?? [photo.width, photo.height]);
  const margin = marginOf(finish.margin, size);
  const room = size.map((side) => side - 2 * margin);
  let factor = 1;
  if (size !== smallest) {
    if (Math.min(...room) < 1) throw noRoom();
    factor = (share / 100) * Math.min(room[0] / width, room[1] / height);
  }
  if (smallest) factor = Math.min(factor, 1);
  const laid = [width, height].map((side) => Math.max(1, rounded(side * factor)));
  const shares = placeOf(finish.position);
  const [left, top] = shares.map((each, axis) => margin + rounded((each * (room[axis] - laid[axis])) / 100));
  const scale = [width / laid[0], height / laid[1]];
  const result = bounded(size, finish.max_size);
  return {
    width: result[0],
    height: result[1],
    corner: [box[0] - left * scale[0], box[1] - top * scale[1]],
    scale: [(scale[0] * size[0]) / result[0], (scale[1] * size[1]) / result[1]],
    limits: null,
  };
}

/**
 * Return the smallest canvas of a shape whose room holds a box; null for canvases of some px.
 * @param {number[]} box width and height
 * @param {number} scale percent
 * @param {Finish} finish
 */
function smallestOf(box, scale, { canvas, margin = "0" }) {
  const shape = sidesOf(canvas, ":");
  if (!shape) return null;
  const needed = box.map((side, axis) => {
    if (!margin.endsWith("%")) return Math.ceil((side * 100) / scale) + 2 * marginOf(margin, box);
    const free = 100 * shape[axis] - 2 * Number.parseFloat(margin) * Math.max(...shape);
    if (free <= 0) throw noRoom();
    return Math.ceil((side * 100 * 100 * shape[axis]) / (scale * free));
  });
  return [
    Math.max(needed[0], Math.ceil((needed[1] * shape[0]) / shape[1])),
    Math.max(needed[1], Math.ceil((needed[0] * shape[1]) / shape[0])),
  ];
}

/** Return a size, made smaller where it has too many px or a side is too long. @param {number[]} size */
function affordable(size) {
  const [width, height] = size;
  if (width * height <= MOST_PIXELS && Math.max(width, height) <= MOST_SIDE) return size;
  const factor = Math.min(Math.sqrt(MOST_PIXELS / (width * height)), MOST_SIDE / Math.max(width, height));
  return size.map((side) => Math.max(1, Math.floor(side * factor)));
}

/** @param {number[]} size @param {number} [most] px of the longer side */
function bounded(size, most = Infinity) {
  const longer = Math.max(...size);
  return longer <= most ? size : size.map((side) => Math.max(1, rounded(side * (most / longer))));
}

/** Return whole px. @param {string | undefined} margin px, or a share of the longer side @param {number[]} size */
function marginOf(margin = "0", size) {
  const number = Number.parseFloat(margin);
  return Math.ceil(margin.endsWith("%") ? (number * Math.max(...size)) / 100 : number);
}

/** @param {string | undefined} canvas @param {string} sign between its sides */
function sidesOf(canvas, sign) {
  return canvas?.includes(sign) ? canvas.split(sign).map(Number) : null;
}

/** Return percent of what is free from left and top. @param {string} [position] */
function placeOf(position = "center") {
  return position === "center" ? [50, 50] : position.split(" ").map(Number.parseFloat);
}

/** Round, halves upwards, as the server does here. @param {number} value */
function rounded(value) {
  return Math.floor(value + 0.5);
}

function noRoom() {
  return Object.assign(new Error("the margin leaves no room on the canvas"), { name: NO_ROOM });
}
