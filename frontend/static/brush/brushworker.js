/**
 * A worker beside the page: holds the pixels of one photo's cut-out, draws strokes on them, keeps the strokes from one
 * cut-out to the next, and makes files of what is there. Called by strokes.js. Sends {patch} for each part of the
 * picture that has changed, and {done, state} after each call.
 */

import { colourBehind, covering, outOfFocus, plain, rgb } from "../compose/behind.js";
import { blurred, radiusOf } from "../compose/blur.js";
import { bounds, composed, under } from "../compose/compose.js";
import { isBlurred, isPlain } from "../compose/fields.js";
import { fileOf } from "../compose/file.js";
import { send, serve } from "../workers/serve.js";
import { Drawing } from "./drawing.js";
import { History } from "./history.js";
import { Picture } from "./picture.js";
import { sketch } from "./sketch.js";

/**
 * @typedef {import("../compose/behind.js").Behind} Behind
 * @typedef {import("../compose/fields.js").Finish} Finish
 * @typedef {import("../compose/placing.js").Box} Box
 * @typedef {import("./history.js").Patch} Patch
 */

/**
 * @typedef {{bitmap: ImageBitmap, box: Box}} Layer box: what of the photo's plane it covers, px
 * @typedef {object} Layers
 * @property {Layer[]} layers the lowest first
 * @property {import("../compose/turn.js").Turn | null} turn of the cut-out, but not of the layers
 * @property {Box} box around the cut-out and its outline
 * @property {Box} extent around these and the shadow
 */

const history = new History();
/** @type {ImageBitmap | null} null too where the page cannot show the photo: its cut-out cannot be drawn on */
let photo = null;
/** @type {Picture | null} the latest cut-out that can be drawn on */
let picture = null;
/** @type {Drawing | null} from pressing to lifting the pointer */
let drawing = null;
/** @type {Box | null} around what is left of the cut-out */
let box = null;

/** @type {Record<string, (values: any) => unknown>} */
const functions = {
  /**
   * Take another cut-out, and draw every stroke on it.
   * @param {{photo: Blob | null, cutout: Blob, strokes?: import("./history.js").Stroke[]}} values strokes: those to draw,
   *   where there are none yet
   */
  async open({ photo: behind, cutout, strokes = [] }) {
    picture = null; // before the next is read: there may not be memory for both
    if (behind) photo ??= await createImageBitmap(behind);
    const next = await Picture.read(photo, cutout);
    history.replay((stroke) => Drawing.again(next, stroke).replaced());
    for (const stroke of strokes) history.push(stroke, Drawing.again(next, stroke).replaced());
    picture = next;
    box = bounds(next.pixels);
  },

  /** Send the whole picture. */
  show() {
    show(existing(picture).patches);
  },

  /** Nothing is drawn where the picture could not be read. @param {import("./history.js").Tip} tip */
  begin(tip) {
    drawing = picture && new Drawing(picture, tip);
  },

  /** @param {{points: {x: number, y: number}[]}} values */
  extend({ points }) {
    if (!drawing) return;
    drawing.through(points);
    show(drawing.changes());
  },

  finish() {
    const drawn = drawing;
    if (!drawn) return;
    const replaced = drawn.replaced();
    if (replaced.length) history.push(drawn.stroke, replaced);
    drawing = null;
    measure();
  },

  cancel() {
    if (drawing) putBack(drawing.replaced());
    drawing = null;
  },

  undo() {
    if (history.canUndo) putBack(history.undo());
    measure();
  },

  redo() {
    if (!history.canRedo) return;
    history.redo((stroke) => {
      const again = Drawing.again(existing(picture), stroke);
      show(again.changes());
      return again.replaced();
    });
    measure();
  },

  strokes() {
    return history.strokes;
  },

  /**
   * Make the file of the finished picture.
   * @param {{finish: Finish}} values
   * @returns {Promise<Blob | null>} null where it is the cut-out as it came
   */
  async file({ finish }) {
    if (isPlain(finish) && !history.strokes.length) return null;
    return fileOf(composed(existing(picture).pixels, finish, await behind(finish)), finish);
  },

  /**
   * Draw what of a finished picture depends on the cut-out's pixels and lies below them.
   * @param {{finish: Finish}} values
   * @returns {Layers}
   */
  layers({ finish }) {
    const { pixels } = existing(picture);
    const { turn, outline, colour, shadow, box, extent } = under(pixels, finish);
    const layers = [];
    if (isBlurred(finish)) {
      const { canvas, cell } = backdrop(finish);
      layers.push(layerOf(canvas, 0, 0, cell));
    }
    if (shadow) layers.push(layerOf(tinted(shadow.cells, shadow.columns, [0, 0, 0]), shadow.x, shadow.y, shadow.side));
    if (outline) layers.push(layerOf(tinted(outline.alpha, outline.width, colour), outline.x, outline.y, 1));
    return { layers, turn, box, extent };
  },

  /** Draw the strokes on a smaller picture of a cut-out. @param {{bitmap: ImageBitmap}} values */
  preview({ bitmap }) {
    return sketch(bitmap, existing(photo), history.strokes);
  },
};

/** Return what stands behind the cut-out, the nearest first. @param {Finish} finish @returns {Promise<Behind[]>} */
async function behind(finish) {
  const all = [];
  if (isBlurred(finish)) {
    const { canvas, cell } = backdrop(finish);
    all.push(outOfFocus(canvas, cell, existing(picture).pixels));
  }
  if (finish.background_image) {
    all.push(covering(await createImageBitmap(finish.background_image), finish.backdrop_position));
  }
  const colour = colourBehind(finish);
  return colour ? [...all, plain(rgb(colour))] : all;
}

/** Draw the photo out of focus, small. @param {Finish} finish */
function backdrop({ background = "" }) {
  const { pixels } = existing(picture);
  const { width, height, data, cell } = blurred(
    pixels,
    rowsOf(existing(photo)),
    radiusOf(background, pixels.width, pixels.height),
  );
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.putImageData(new ImageData(data, width, height), 0, 0);
  return { canvas, cell };
}

/** Draw alpha in one colour. @param {Uint8Array} alpha @param {number} width @param {number[]} colour red, green, blue */
function tinted(alpha, width, [red, green, blue]) {
  const [colour] = new Uint32Array(Uint8ClampedArray.of(red, green, blue, 0).buffer);
  const pixels = Uint32Array.from(alpha, (value) => colour | (value << 24)); // little-endian: alpha is the high byte
  const canvas = new OffscreenCanvas(width, alpha.length / width);
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/** @param {OffscreenCanvas} canvas @param {number} x @param {number} y @param {number} side of a pixel, px of the photo */
function layerOf(canvas, x, y, side) {
  const bitmap = canvas.transferToImageBitmap();
  return { bitmap, box: [x, y, x + bitmap.width * side, y + bitmap.height * side] };
}

/** Return a function that reads rows of a picture, RGBA. @param {ImageBitmap} bitmap */
function rowsOf(bitmap) {
  return (/** @type {number} */ top, /** @type {number} */ bottom) => {
    const context = new OffscreenCanvas(bitmap.width, bottom - top).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas for a photo");
    context.drawImage(bitmap, 0, -top);
    return context.getImageData(0, 0, bitmap.width, bottom - top).data;
  };
}

function measure() {
  box = bounds(existing(picture).pixels);
}

/** @param {Patch[]} patches */
function putBack(patches) {
  for (const patch of patches) existing(picture).put(patch);
  show(patches);
}

/** Send patches one at a time: to draw them all at once would hold the page up. @param {Patch[]} patches */
function show(patches) {
  for (const patch of patches) send({ patch }, [patch.data.buffer]);
}

/** What the page must have brought about before. @template T @param {T | null} value @returns {T} */
function existing(value) {
  if (value === null) throw new Error("called too early");
  return value;
}

serve(
  Object.fromEntries(
    Object.entries(functions).map(([name, run]) => [
      name,
      async (/** @type {unknown} */ values) => {
        try {
          return await run(values);
        } finally {
          const { canUndo, canRedo, strokes } = history;
          send({ done: name, state: { canUndo, canRedo, edited: strokes.length > 0, box } });
        }
      },
    ]),
  ),
);
