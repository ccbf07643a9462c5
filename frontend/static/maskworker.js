/**
 * Works beside the page: traces the masks of one photo, and draws cut-outs of it while objects are taken in and out.
 * Asked by found.js alone. Takes {serial, ask: "read" | "open" | "preview", ...}, answers {serial, answer} or
 * {serial, error}.
 */

import { alphaPlane, decode, outline } from "./masks.js";

const PREVIEW_SIDE = 1200; // px; more would come later than the next frames, and the final picture follows anyway

/** The cut-outs of one photo at the size of a preview. */
class Preview {
  #photo;
  #planes;
  #taken = new Set();
  #sum; // of the taken planes: a toggle touches one object's box. Room for 257 objects, more than a server reports
  #alpha;
  #canvas;

  /**
   * @param {OffscreenCanvas} photo at the size of the preview
   * @param {Map<number, ReturnType<typeof alphaPlane>>} planes
   */
  constructor(photo, planes) {
    this.#photo = photo;
    this.#planes = planes;
    this.#sum = new Uint16Array(photo.width * photo.height);
    this.#alpha = new ImageData(photo.width, photo.height);
    this.#canvas = new OffscreenCanvas(photo.width, photo.height);
  }

  /** @returns {ImageBitmap} the photo where one of these objects is, or with `invert` where none is */
  draw(ids, invert) {
    this.#take(new Set(ids));
    const flip = invert ? 255 : 0;
    const pixels = new Uint32Array(this.#alpha.data.buffer); // RGBA in little-endian order: alpha is the high byte
    // Sums, not the largest: side by side two objects share the cells between them and leave no seam.
    for (let at = 0; at < pixels.length; at++) pixels[at] = (Math.min(this.#sum[at], 255) ^ flip) << 24;
    const context = this.#canvas.getContext("2d");
    context.putImageData(this.#alpha, 0, 0);
    context.globalCompositeOperation = "source-in"; // no pixel is read back, which some browsers falsify on purpose
    context.drawImage(this.#photo, 0, 0);
    return this.#canvas.transferToImageBitmap();
  }

  #take(ids) {
    for (const id of this.#planes.keys()) {
      if (ids.has(id) !== this.#taken.has(id)) this.#add(this.#planes.get(id), ids.has(id) ? 1 : -1);
    }
    this.#taken = ids;
  }

  #add({ x, y, width, height, alpha }, sign) {
    for (let row = 0; row < height; row++) {
      const from = row * width;
      const to = (y + row) * this.#photo.width + x;
      for (let column = 0; column < width; column++) this.#sum[to + column] += sign * alpha[from + column];
    }
  }
}

let reading = null; // what reduced() promises
let preview = null;

const answers = {
  /** Begin to decode the photo. */
  read({ blob }) {
    reading = reduced(blob);
    reading.catch(() => {}); // awaited by `open`
  },

  /** @returns {Promise<Map<number, {path: string}>>} each object's outline; the preview is ready then */
  async open({ detected }) {
    const masks = detected.objects.map((object) => ({ ...object, mask: decode(object.mask) }));
    const outlines = new Map(masks.map(({ id, mask }) => [id, { path: outline(mask) }]));
    const { photo, ratio } = await reading;
    if (Math.abs((ratio * detected.height) / detected.width - 1) > 0.01) {
      throw named("UnreadablePhoto", "the browser sees this photo in another shape than the server");
    }
    const planes = new Map(masks.map(({ id, mask }) => [id, alphaPlane(mask, photo.width, photo.height)]));
    preview = new Preview(photo, planes);
    // The first drawing takes five times as long: nobody waits for this one, and the outlines go out before it.
    setTimeout(() => preview.draw(planes.keys(), false).close());
    return outlines;
  },

  preview({ ids, invert }) {
    return preview.draw(ids, invert);
  },
};

/** The upright photo, no longer than a preview, and its width over its height before. */
async function reduced(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw named("UnreadablePhoto", "the browser cannot decode this photo");
  }
  const { width, height } = bitmap;
  const scale = Math.min(1, PREVIEW_SIDE / Math.max(width, height));
  const photo = new OffscreenCanvas(Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1));
  const context = photo.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, photo.width, photo.height);
  bitmap.close();
  return { photo, ratio: width / height };
}

function named(name, message) {
  return Object.assign(new Error(message), { name });
}

addEventListener("message", async ({ data: { serial, ask, ...values } }) => {
  try {
    const answer = await answers[ask](values);
    postMessage({ serial, answer }, answer instanceof ImageBitmap ? [answer] : []);
  } catch (error) {
    postMessage({ serial, error: { name: error.name, message: error.message } });
  }
});
