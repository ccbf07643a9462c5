/**
 * Photos made ready, so that all of the page works with each: of a kind that this browser shows. Knows nothing of what is
 * shown.
 */

import { asPicture } from "../server/photos.js";
import { patiently } from "../server/retry.js";
import { sizeAtSight } from "./size.js";

/** @typedef {import("./view.js").ShownPhoto} ShownPhoto */

/**
 * Make a photo ready. Of one that this browser cannot show, the server makes a picture to be shown: what is sent stays the
 * file itself, and a photo behind an address stays as it is.
 * @param {ShownPhoto} photo
 * @param {{signal: AbortSignal, tell: import("../server/retry.js").Tell, progress: (share: number) => void}} how
 * @returns {Promise<ShownPhoto>} rejects as calls of the server do
 */
export async function prepared(photo, how) {
  const { blob, shown } = photo;
  if (!blob || !shown || (await sizeAtSight(shown))) return photo;
  return { ...photo, shown: await patiently(() => asPicture(photo, how), how) };
}
