/**
 * A worker beside the page: draws strokes on the cut-outs of one photo, and keeps them from one cut-out to the next.
 * Called by strokes.js. Sends {patch} for each part of the picture that has changed, and {done, state} after each call.
 */

import { send, serve } from "../workers/serve.js";
import { Drawing } from "./drawing.js";
import { History } from "./history.js";
import { Picture } from "./picture.js";
import { sketch } from "./sketch.js";

/** @typedef {import("./history.js").Patch} Patch */

const history = new History();
/** @type {ImageBitmap | null} */
let photo = null;
/** @type {Picture | null} the latest cut-out that can be drawn on */
let picture = null;
/** @type {Drawing | null} from pressing to lifting the pointer */
let drawing = null;

/** @type {Record<string, (values: any) => unknown>} */
const functions = {
  /** Take another cut-out, and draw every stroke on it. @param {{photo: Blob, cutout: Blob}} values */
  async open({ photo: behind, cutout }) {
    picture = null; // before the next is read: there may not be memory for both
    photo ??= await createImageBitmap(behind);
    const next = await Picture.read(photo, cutout);
    history.replay((stroke) => Drawing.again(next, stroke).replaced());
    picture = next;
    show(picture.patches);
  },

  /** @param {{mode: "add" | "erase", radius: number}} brush */
  begin(brush) {
    drawing = new Drawing(existing(picture), brush);
  },

  /** @param {{points: {x: number, y: number}[]}} values */
  extend({ points }) {
    existing(drawing).through(points);
    show(existing(drawing).changes());
  },

  finish() {
    const drawn = existing(drawing);
    const replaced = drawn.replaced();
    if (replaced.length) history.push(drawn.stroke, replaced);
    drawing = null;
  },

  cancel() {
    putBack(existing(drawing).replaced());
    drawing = null;
  },

  undo() {
    if (history.canUndo) putBack(history.undo());
  },

  redo() {
    if (!history.canRedo) return;
    history.redo((stroke) => {
      const again = Drawing.again(existing(picture), stroke);
      show(again.changes());
      return again.replaced();
    });
  },

  strokes() {
    return history.strokes;
  },

  /**
   * Draw strokes on another cut-out.
   * @param {{photo: Blob, cutout: Blob, strokes: import("./history.js").Stroke[]}} values
   * @returns {Promise<Blob>} PNG
   */
  async draw({ photo: behind, cutout, strokes }) {
    photo ??= await createImageBitmap(behind);
    const other = await Picture.read(photo, cutout);
    for (const stroke of strokes) Drawing.again(other, stroke);
    return other.toBlob();
  },

  /** @returns {Promise<Blob> | null} the picture as PNG; null without a stroke on it */
  file() {
    return history.strokes.length ? existing(picture).toBlob() : null;
  },

  /** Draw the strokes on a smaller picture of a cut-out. @param {{bitmap: ImageBitmap}} values */
  preview({ bitmap }) {
    return sketch(bitmap, existing(photo), history.strokes);
  },
};

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
          send({ done: name, state: { canUndo, canRedo, edited: strokes.length > 0 } });
        }
      },
    ]),
  ),
);
