/** The server's calls that carry a photo, and how many of them it has. Owns their names and fields. */

import { address, modelFields } from "./address.js";
import { ask, call } from "./api.js";
import { upload } from "./upload.js";

/**
 * @typedef {object} DetectedObject
 * @property {number} id
 * @property {string} label its class
 * @property {number} score 0 to 1
 * @property {number[]} box x0, y0, x1, y1, half-open, px of the upright photo
 * @property {number} area px
 * @property {import("../objects/masks.js").Rle} mask
 */

/**
 * @typedef {object} Detected what `/detect` answers
 * @property {number} width of the upright photo, px
 * @property {number} height of the upright photo, px
 * @property {DetectedObject[]} objects best score first
 */

/**
 * @typedef {Record<string, string | number | boolean | (string | number)[] | File>} Fields of `/cut`, by the names of
 *   the interface; a File is sent as one
 */

/**
 * @typedef {object} Answer of `/cut`
 * @property {Blob} blob the picture
 * @property {number} count how many objects are in it
 * @property {number[] | null} ids of these objects; null where the server does not tell
 */

/**
 * @typedef {object} Sending
 * @property {AbortSignal} signal
 * @property {(share: number) => void} [progress] called with how much of the photo is uploaded, 0 to 1
 */

/**
 * Find every object of a photo.
 * @param {import("../photo/photo.js").Photo} photo
 * @param {Sending} sending
 * @returns {Promise<Detected>}
 */
export async function detect(photo, sending) {
  const body = form(photo, modelFields());
  const reply = await call(
    () => upload(address("detect"), { body, ...sending }),
    (reply) => reply.json(),
  );
  return reply.response;
}

/**
 * Cut objects out of a photo.
 * @param {import("../photo/photo.js").Photo} photo
 * @param {Fields} fields
 * @param {Sending & {accept: string}} sending accept: media types of the picture
 * @returns {Promise<Answer>}
 */
export function cut(photo, fields, { accept, ...sending }) {
  const body = form(photo, fields);
  return call(
    () => upload(address("cut"), { headers: { Accept: accept }, body, ...sending }),
    async (reply) => ({
      blob: await reply.blob(),
      count: Number(reply.headers.get("X-Object-Count")),
      ids: reply.headers.get("X-Object-Ids")?.split(",").filter(Boolean).map(Number) ?? null,
    }),
  );
}

/** Ask how many photos the server processes, or has waiting. @returns {Promise<number>} */
export async function inFlight() {
  return (await ask("health/ready")).in_flight;
}

/** @param {import("../photo/photo.js").Photo} photo @param {Fields} fields */
function form(photo, fields) {
  const body = new FormData();
  if (photo.blob) body.append("image_file", photo.blob, photo.name);
  else body.append("image_url", photo.url);
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) body.append(name, value);
    else body.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return body;
}
