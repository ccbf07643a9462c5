/** The server's calls that carry a photo, and how many of them it has. Owns their names and fields. */

import { address, modelFields } from "./address.js";
import { ApiError, ask, call } from "./api.js";
import { upload } from "./upload.js";

const KEPT_AS = "objectcut-key"; // in the tab's own storage, which ends with it

/**
 * @typedef {object} DetectedObject
 * @property {number} id
 * @property {string | null} label its class; null for what is in a box that a person drew
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
 * @property {number[] | null} box around what is kept, px of the upright photo; null where the server does not tell
 */

/**
 * @typedef {object} Sending
 * @property {AbortSignal} signal
 * @property {(share: number) => void} [progress] called with how much of the photo is uploaded, 0 to 1
 */

/**
 * Find objects of a photo.
 * @param {import("../photo/photo.js").Photo} photo
 * @param {Fields} fields that choose them; without any, all
 * @param {Sending} sending
 * @returns {Promise<Detected>}
 */
export async function detect(photo, fields, sending) {
  const body = form(photo, { ...fields, ...modelFields() });
  const reply = await keyed(
    (headers) => upload(address("detect"), { headers, body, ...sending }),
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
  return keyed(
    (headers) => upload(address("cut"), { headers: { Accept: accept, ...headers }, body, ...sending }),
    async (reply) => ({
      blob: await reply.blob(),
      count: Number(reply.headers.get("X-Object-Count")),
      ids: numbers(reply.headers.get("X-Object-Ids")),
      box: numbers(reply.headers.get("X-Foreground-Box")),
    }),
  );
}

/**
 * Have the server make a picture that every browser shows of a photo.
 * @param {import("../photo/photo.js").Photo} photo
 * @param {Sending} sending
 * @returns {Promise<Blob>} JPEG, upright, as large as the photo
 */
export async function asPicture(photo, sending) {
  const fields = { output: "photo", format: "jpeg", ...modelFields() };
  return (await cut(photo, fields, { accept: "image/*", ...sending })).blob;
}

/**
 * Make a call with the key of this tab, and ask for one where the server wants another.
 * @template T
 * @param {(headers: Record<string, string>) => ReturnType<typeof upload>} send
 * @param {(reply: import("./api.js").Reply) => Promise<T>} read
 * @returns {Promise<T>}
 */
async function keyed(send, read) {
  const key = sessionStorage.getItem(KEPT_AS);
  try {
    return await call(() => send(key ? { "X-Api-Key": key } : {}), read);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "unauthorized") throw error;
    const { askForKey } = await import("../form/key.js");
    sessionStorage.setItem(KEPT_AS, await askForKey(error, Boolean(key)));
    return keyed(send, read);
  }
}

/** Ask how many photos the server processes, or has waiting. @returns {Promise<number>} */
export async function inFlight() {
  return (await ask("health/ready")).in_flight;
}

/** @param {string | null} header with commas */
function numbers(header) {
  return header?.split(",").filter(Boolean).map(Number) ?? null;
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
