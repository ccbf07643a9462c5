/** A worker beside the page: traces the masks of one photo, and draws previews of its cut-outs. Called by found.js. */

import { serve } from "../workers/serve.js";
import { alphaPlane, decode } from "./masks.js";
import { outline } from "./outline.js";
import { Preview } from "./preview.js";

const PREVIEW_SIDE = 1200; // px; more would come later than the next frames, and the final picture follows anyway
const WARMED_BY = 8; // objects; all of a crowd would take longer than what it saves

/** @type {ReturnType<typeof reduced> | null} */
let reading = null;
/** @type {Preview | null} */
let preview = null;

serve({
  /** Begin to decode the photo. @param {{blob: Blob}} values */
  read({ blob }) {
    reading = reduced(blob);
    reading.catch(() => {}); // awaited by `open`
  },

  /**
   * Outline each object; the preview is ready then.
   * @param {{detected: import("../server/photos.js").Detected}} values
   * @returns {Promise<import("./found.js").Outlines>}
   */
  async open({ detected }) {
    const masks = detected.objects.map(({ id, mask }) => ({ id, mask: decode(mask) }));
    const outlines = new Map(masks.map(({ id, mask }) => [id, { path: outline(mask) }]));
    if (!reading) throw new Error("no photo was read");
    const { photo, ratio } = await reading;
    if (Math.abs((ratio * detected.height) / detected.width - 1) > 0.01) {
      throw unreadable("the browser sees this photo in another shape than the server");
    }
    const planes = new Map(masks.map(({ id, mask }) => [id, alphaPlane(mask, photo.width, photo.height)]));
    const drawn = new Preview(photo, planes);
    preview = drawn;
    // The first drawing takes five times as long: this one is done ahead, after the outlines are sent.
    setTimeout(() => drawn.draw([...planes.keys()].slice(0, WARMED_BY), false).close());
    return outlines;
  },

  /** @param {{ids: number[], invert: boolean}} values @returns {ImageBitmap} */
  preview({ ids, invert }) {
    if (!preview) throw new Error("no photo was opened");
    return preview.draw(ids, invert);
  },
});

/** Decode the upright photo, no longer than a preview; ratio: its width over its height before. @param {Blob} blob */
async function reduced(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw unreadable("the browser cannot decode this photo");
  }
  const { width, height } = bitmap;
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(width, height));
  const photo = new OffscreenCanvas(Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1));
  const context = photo.getContext("2d");
  if (!context) throw new Error("no canvas for a preview");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, photo.width, photo.height);
  bitmap.close();
  return { photo, ratio: width / height };
}

/** @param {string} message */
function unreadable(message) {
  return Object.assign(new Error(message), { name: "UnreadablePhoto" });
}
