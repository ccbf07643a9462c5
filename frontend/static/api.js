/** The server's calls that this page uses. Owns their addresses, fields and failures; knows nothing of the page. */

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

/** The model that runs: {model, device, classes, synonyms, card, note, limits}. */
export async function labels() {
  const told = (await call("labels", {}, (reply) => reply.json())).response;
  Object.assign(limits, told.limits);
  return told;
}

/**
 * Cut objects out of a photo.
 * @param {{blob?: Blob, name: string, url?: string}} photo
 * @param {string[]} names empty means every object
 * @param {string} background "transparent" or a CSS colour
 * @returns {Promise<{blob: Blob, count: number}>} the picture, and how many objects are in it
 */
export async function cut(photo, names, background, signal) {
  const body = new FormData();
  if (photo.url) {
    body.append("image_url", photo.url);
  } else {
    body.append("image_file", photo.blob, photo.name);
  }
  body.append("objects", JSON.stringify(names));
  body.append("background", background);
  return call("cut", { method: "POST", headers: { Accept: "image/png" }, body, signal }, async (reply) => ({
    blob: await reply.blob(),
    count: Number(reply.headers.get("X-Object-Count")),
  }));
}

async function call(path, options, read) {
  let reply;
  try {
    reply = await fetch(path, options);
    if (reply.ok) return await read(reply);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unreachable", "The server cannot be reached.");
  }
  const retryAfter = Number(reply.headers.get("Retry-After")) || null;
  const told = await reply.json().catch(() => null);
  if (told?.error) {
    throw new ApiError(told.code, told.message, { details: told.details, requestId: told.request_id, retryAfter });
  }
  // A proxy in front of the server answers in words of its own.
  const code = reply.status === 503 ? "overloaded" : "unexpected";
  throw new ApiError(code, `The server's answer makes no sense here (HTTP ${reply.status}).`, { retryAfter });
}
