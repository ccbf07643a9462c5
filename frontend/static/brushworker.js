/**
 * Works beside the page: draws strokes on the cut-outs of one photo, and keeps them from one cut-out to the next.
 * Asked by brush.js alone, one order after the other. Takes {serial, order, ...}; sends {patch} for every part of the
 * picture that has changed, and {serial, order, answer or error, told} when an order is done.
 */

import { History } from "./history.js";
import { Drawing, Picture, SEEN } from "./picture.js";

const history = new History();
let photo = null; // ImageBitmap
let picture = null; // Picture, the latest cut-out that can be drawn on
let drawing = null; // Drawing, from pressing to lifting the pointer

const orders = {
  /** Take another cut-out, and draw every stroke on it. */
  async open({ behind, cutout }) {
    picture = null; // before the next is read: there may not be memory for both
    photo ??= await createImageBitmap(behind);
    const next = await Picture.read(photo, cutout);
    history.replay((stroke) => Drawing.again(next, stroke).replaced());
    picture = next;
    show(picture.patches);
  },

  begin({ mode, radius }) {
    drawing = new Drawing(picture, { mode, radius });
  },

  extend({ points }) {
    drawing.through(points);
    show(drawing.changes());
  },

  finish() {
    const replaced = drawing.replaced();
    if (replaced.length) history.push(drawing.stroke, replaced);
    drawing = null;
  },

  cancel() {
    putBack(drawing.replaced());
    drawing = null;
  },

  undo() {
    if (history.canUndo) putBack(history.undo());
  },

  redo() {
    if (!history.canRedo) return;
    history.redo((stroke) => {
      const again = Drawing.again(picture, stroke);
      show(again.changes());
      return again.replaced();
    });
  },

  strokes() {
    return history.strokes;
  },

  /** @returns {Promise<Blob>} another cut-out with other strokes on it, as PNG */
  async draw({ behind, cutout, strokes }) {
    photo ??= await createImageBitmap(behind);
    const other = await Picture.read(photo, cutout);
    for (const stroke of strokes) Drawing.again(other, stroke);
    return other.toBlob();
  },

  /** @returns {Promise<Blob | null>} the picture as PNG; null without a stroke on it */
  file() {
    return history.strokes.length ? picture.toBlob() : null;
  },

  /** @returns {ImageBitmap} a smaller picture of a cut-out, with the strokes on it: a sketch, their rims are hard */
  preview({ bitmap }) {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    context.scale(bitmap.width / photo.width, bitmap.height / photo.height);
    bitmap.close();
    context.lineCap = context.lineJoin = "round";
    for (const { mode, radius, path } of history.strokes) {
      const adds = mode === "add";
      context.globalCompositeOperation = adds ? "source-over" : "destination-out";
      context.strokeStyle = adds ? context.createPattern(photo, "no-repeat") : "black";
      context.lineWidth = 2 * SEEN * radius;
      context.beginPath();
      context.moveTo(path[0].x - 0.1, path[0].y); // a single dab is a line too, and one without length has no ends
      for (const { x, y } of path) context.lineTo(x, y);
      context.stroke();
    }
    return canvas.transferToImageBitmap();
  },
};

function putBack(patches) {
  for (const patch of patches) picture.put(patch);
  show(patches);
}

/** One at a time: to draw them all at once would hold the page up. */
function show(patches) {
  for (const patch of patches) postMessage({ patch }, [patch.data.buffer]);
}

async function carryOut({ serial, order, ...values }) {
  const done = { serial, order };
  try {
    done.answer = await orders[order](values);
  } catch ({ name, message }) {
    done.error = { name, message };
  }
  const { canUndo, canRedo, strokes } = history;
  done.told = { canUndo, canRedo, edited: strokes.length > 0 };
  postMessage(done, done.answer instanceof ImageBitmap ? [done.answer] : []);
}

let last = Promise.resolve();
addEventListener("message", ({ data }) => {
  last = last.then(() => carryOut(data));
});

postMessage({}); // it has started
