/** The server's calls that this page uses. Owns their names, fields and failures; knows nothing of the page. */

import { address, host, misnamed } from "./server.js";
import { upload } from "./upload.js";

/** What the server accepts, as `/labels` told it last; until then its defaults. A larger file is not worth its upload. */
export const limits = { max_body_bytes: 20_000_000, max_pixels: 25_000_000 };

const SILENCE_MS = 10_000; // of a server that is only asked

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
 * Find every object of a photo.
 * @param {Photo} photo
 * @param {{signal: AbortSignal, progress?: (share: number) => void}} how `progress` hears how much of it is uploaded
 * @returns {Promise<{width: number, height: number, model: string, objects: object[]}>} in px of the upright photo,
 *   best score first; masks as COCO run lengths
 */
export async function detect(photo, how) {
  return (await call("detect", { body: form(photo, {}), ...how }, (reply) => reply.json())).response;
}

/**
 * Cut objects out of a photo.
 * @param {Photo} photo
 * @param {object} fields of the interface, as it names them
 * @param {{accept?: string, signal: AbortSignal, progress?: (share: number) => void}} how
 * @returns {Promise<{blob: Blob, count: number, ids: number[] | null}>} the picture, how many objects are in it, and
 *   which; null where the server does not tell
 */
export async function cut(photo, fields, { accept = "image/png", ...how }) {
  const options = { headers: { Accept: accept }, body: form(photo, fields), ...how };
  return call("cut", options, async (reply) => ({
    blob: await reply.blob(),
    count: Number(reply.headers.get("X-Object-Count")),
    ids: reply.headers.get("X-Object-Ids")?.split(",").filter(Boolean).map(Number) ?? null,
  }));
}

/** How many photos the server works on, or has waiting. */
export async function inFlight() {
  return call("health/ready", {}, async (reply) => (await reply.json()).in_flight);
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
    reply = await (options.body
      ? upload(address(path), options)
      : fetch(address(path), { signal: AbortSignal.timeout(SILENCE_MS) }));
    if (reply.ok) return await read(reply);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  const retryAfter = Number(reply.headers.get("Retry-After")) || null;
  const told = await reply.json().catch(() => null);
  if (told?.error) {
    throw new ApiError(told.code, told.message, { details: told.details, requestId: told.request_id, retryAfter });
  }
  // A proxy in front of the server answers in words of its own.
  throw failed(reply.status === 503 ? "overloaded" : "unexpected", { status: reply.status }, retryAfter);
}

function unreachable() {
  if (misnamed) return failed("misnamed", misnamed);
  // A browser does not tell a page whether another server is down, does not let it in, or must not be called at all.
  return failed("unreachable", host ? { reason: "elsewhere", host, page: location.origin } : {});
}

/** A failure that only this page knows of; its words are made of the code and the facts. */
function failed(code, details, retryAfter = null) {
  return new ApiError(code, code, { details, retryAfter });
}
