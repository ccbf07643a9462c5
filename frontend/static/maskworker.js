/**
 * Works beside the page: traces the masks of one photo, and draws cut-outs of it while objects are taken in and out.
 * Asked by found.js alone. Takes {serial, ask: "read" | "open" | "preview", ...}, answers {serial, answer} or
 * {serial, error}.
 */

import { alphaPlane, decode, outline } from "./masks.js";
import { around, grouped, overlap, put, together } from "./planes.js";

const PREVIEW_SIDE = 1200; // px; more would come later than the next frames, and the final picture follows anyway
const WARMED_BY = 8; // objects; all of a crowd would take longer than what it saves

/** The cut-outs of one photo at the size of a preview. */
class Preview {
  #photo;
  #planes;
  #related = new Map(); // plane → plane → whether both are one thing; as far as it was asked
  #taken = new Set(); // planes
  #groups = []; // of the taken planes
  #sum; // what is taken, as one plane: a toggle touches one object's box, or those of the groups that it joins or parts
  #alpha;
  #canvas;

  /**
   * @param {OffscreenCanvas} photo at the size of the preview
   * @param {Map<number, import("./planes.js").Plane>} planes by id
   */
  constructor(photo, planes) {
    const { width, height } = photo;
    this.#photo = photo;
    this.#planes = planes;
    this.#sum = { x: 0, y: 0, width, height, alpha: new Uint8ClampedArray(width * height) };
    this.#alpha = new ImageData(width, height);
    this.#canvas = new OffscreenCanvas(width, height);
  }

  /** @returns {ImageBitmap} the photo where one of these objects is, or with `invert` where none is */
  draw(ids, invert) {
    const wanted = new Set(ids);
    this.#take(new Set([...this.#planes].filter(([id]) => wanted.has(id)).map(([, plane]) => plane)));
    const flip = invert ? 255 : 0;
    const { alpha } = this.#sum;
    const pixels = new Uint32Array(this.#alpha.data.buffer); // RGBA in little-endian order: alpha is the high byte
    for (let at = 0; at < pixels.length; at++) pixels[at] = (alpha[at] ^ flip) << 24;
    const context = this.#canvas.getContext("2d");
    context.putImageData(this.#alpha, 0, 0);
    context.globalCompositeOperation = "source-in"; // no pixel is read back, which some browsers falsify on purpose
    context.drawImage(this.#photo, 0, 0);
    return this.#canvas.transferToImageBitmap();
  }

  #take(taken) {
    const groups = grouped(taken, (one, other) => this.#areRelated(one, other));
    const kept = new Set([...taken].filter((plane) => this.#taken.has(plane)));
    const [before, after] = [fellows(this.#groups, kept), fellows(groups, kept)];
    // One that stays changes nothing, unless others that stay join its group, or leave it.
    const stays = (plane) => kept.has(plane) && same(before.get(plane), after.get(plane));
    const changed = [...new Set([...this.#taken, ...taken])].filter((plane) => !stays(plane));
    this.#taken = taken;
    this.#groups = groups;
    if (changed.length) put(this.#sum, together(groups, around(changed)));
  }

  #areRelated(one, other) {
    if (!this.#related.has(one)) this.#related.set(one, new Map());
    const known = this.#related.get(one);
    if (!known.has(other)) known.set(other, overlap(one, other));
    return known.get(other);
  }
}

/** Plane → those of its group that are kept. */
function fellows(groups, kept) {
  const own = groups.map((group) => group.filter((plane) => kept.has(plane)));
  return new Map(own.flatMap((group) => group.map((plane) => [plane, group])));
}

function same(group, other) {
  return group.length === other.length && group.every((plane) => other.includes(plane));
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
    setTimeout(() => preview.draw([...planes.keys()].slice(0, WARMED_BY), false).close());
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

postMessage({}); // it has started
