/** The server's calls that this page uses. Owns their addresses, fields and failures; knows nothing of the page. */

import { t } from "./text.js";
import { upload } from "./upload.js";

/** What the server accepts, as `/labels` told it last; until then its defaults. A larger file is not worth its upload. */
export const limits = { max_body_bytes: 20_000_000, max_pixels: 25_000_000 };

/** A call that failed, told as the server tells it: a code, a message, facts. */
export class ApiError extends Error {
  constructor(code, message, { details = {}, requestId = null, retryAfter = null } = {}) {
    super(message);
    this.code = code;
    this.details = details;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** The model that runs: {model, device, classes, synonyms, names, card, note, limits}. */
export async function labels() {
  const told = (await call("labels", {}, (reply) => reply.json())).response;
  Object.assign(limits, told.limits);
  return told;
}

/**
 * Find the objects of a photo.
 * @param {Photo} photo
 * @param {string[]} names empty means every object
 * @param {{signal: AbortSignal, progress?: (share: number) => void}} how `progress` hears how much of it is uploaded
 * @returns {Promise<{width: number, height: number, model: string, objects: object[]}>} in px of the upright photo,
 *   best score first; masks as COCO run lengths
 */
export async function detect(photo, names, how) {
  const body = form(photo, { objects: names });
  return (await call("detect", { body, ...how }, (reply) => reply.json())).response;
}

/**
 * Cut objects out of a photo.
 * @param {Photo} photo
 * @param {object} fields of the interface, as it names them
 * @param {{accept?: string, signal: AbortSignal, progress?: (share: number) => void}} how
 * @returns {Promise<{blob: Blob, count: number}>} the picture, and how many objects are in it
 */
export async function cut(photo, fields, { accept = "image/png", ...how }) {
  const options = { headers: { Accept: accept }, body: form(photo, fields), ...how };
  return call("cut", options, async (reply) => ({
    blob: await reply.blob(),
    count: Number(reply.headers.get("X-Object-Count")),
  }));
}

/** @typedef {{blob?: Blob, name: string, url?: string}} Photo a file, or the address of one */

function form(photo, fields) {
  const body = new FormData();
  if (photo.url) body.append("image_url", photo.url);
  else body.append("image_file", photo.blob, photo.name);
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) body.append(name, value);
    else body.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return body;
}

async function call(path, options, read) {
  let reply;
  try {
    reply = await (options.body ? upload(path, options) : fetch(path, options));
    if (reply.ok) return await read(reply);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unreachable", t("error.unreachable"));
  }
  const retryAfter = Number(reply.headers.get("Retry-After")) || null;
  const told = await reply.json().catch(() => null);
  if (told?.error) {
    throw new ApiError(told.code, told.message, { details: told.details, requestId: told.request_id, retryAfter });
  }
  // A proxy in front of the server answers in words of its own.
  const { status } = reply;
  const code = status === 503 ? "overloaded" : "unexpected";
  throw new ApiError(code, t("error.unexpected", { status }), { details: { status }, retryAfter });
}
