/**
 * Photos made ready, so that all of the page works with each: no larger than the server takes, and of a kind that this
 * browser shows. Knows nothing of what is shown.
 */

import { limits } from "../server/api.js";
import { asPicture } from "../server/photos.js";
import { patiently } from "../server/retry.js";
import { Remote } from "../workers/remote.js";
import { sizeAtSight } from "./size.js";

const FORM_BYTES = 10_000; // of what is sent beside the photo, about: names and options

/** @typedef {import("./view.js").ShownPhoto} ShownPhoto */

/**
 * Make a photo ready. One with too many px or bytes becomes smaller. Of one that this browser cannot show, the server
 * makes a picture to be shown: what is sent stays the file itself, and a photo behind an address stays as it is.
 * @param {ShownPhoto} photo
 * @param {{signal: AbortSignal, tell: import("../server/retry.js").Tell, progress: (share: number) => void}} how
 * @returns {Promise<ShownPhoto>} rejects as calls of the server do
 */
export async function prepared(photo, how) {
  const { blob, shown } = photo;
  if (!blob || !shown) return photo;
  const size = await sizeAtSight(shown);
  if (!size) return { ...photo, shown: await patiently(() => asPicture(photo, how), how) };
  const most = { bytes: limits.max_body_bytes - FORM_BYTES, pixels: limits.max_pixels, side: limits.max_side };
  const { width, height } = size;
  if (blob.size <= most.bytes && width * height <= most.pixels && Math.max(width, height) <= most.side) return photo;
  const smaller = await shrunk(shown, most);
  return smaller ? { ...photo, blob: smaller, shown: smaller, shrunk: true } : photo;
}

/**
 * @param {Blob} picture
 * @param {import("./shrinkworker.js").Most} most
 * @returns {Promise<Blob | null>} null where it cannot be decoded here: the server tells what is wrong with it
 */
async function shrunk(picture, most) {
  const worker = new Remote(new URL("./shrinkworker.js", import.meta.url));
  try {
    return await worker.ask("shrink", { picture, most });
  } catch (problem) {
    console.warn(problem);
    return null;
  } finally {
    worker.close();
  }
}
