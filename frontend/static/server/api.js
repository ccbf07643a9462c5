/** Calls of the server and how they fail. Those that carry a photo are in photos.js. */

import { address, host, invalidServer, modelFields } from "./address.js";

/** What the server accepts: its defaults until `/labels` answers. A larger photo is made smaller. */
export const limits = { max_body_bytes: 20_000_000, max_pixels: 25_000_000, max_side: 16_384 };

const SILENCE_MS = 10_000; // after which a server that sends nothing is away

/**
 * @typedef {object} Reply the part of `Response` that this page uses
 * @property {boolean} ok
 * @property {number} status
 * @property {{get: (name: string) => string | null}} headers
 * @property {() => Promise<any>} json
 * @property {() => Promise<Blob>} blob
 */

/**
 * @typedef {object} Model what `/labels` answers
 * @property {string} model
 * @property {string | null} device null: it has no worker now
 * @property {string[]} classes
 * @property {Record<string, string[]>} synonyms by class
 * @property {Record<string, Record<string, string>>} names of the classes, by language
 * @property {import("../form/suggest.js").Known["card"] & {trained_on?: string, licence?: string}} card
 * @property {{name: string}[]} models of the server, its default first
 * @property {typeof limits} limits
 */

/**
 * @typedef {Record<string, unknown> & {reason?: string, field?: string, name?: string, names?: string[],
 *   suggestions?: string[], found?: string[], max_bytes?: number, max_pixels?: number}} Details facts of an error
 */

/** A call that failed, as the server tells it: a code, a message, facts. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{details?: Details, requestId?: string | null, retryAfter?: number | null}} more retryAfter: seconds
   */
  constructor(code, message, { details = {}, requestId = null, retryAfter = null }) {
    super(message);
    this.code = code;
    this.details = details;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** Return whether something was given up, not failed. @param {unknown} error */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/** Ask for the chosen model. @returns {Promise<Model>} */
export async function labels() {
  const chosen = new URLSearchParams(modelFields());
  const { response } = await ask(chosen.size ? `labels?${chosen}` : "labels");
  Object.assign(limits, response.limits);
  return response;
}

/** Get the JSON at a path of the server. @param {string} path */
export function ask(path) {
  return call(
    () => fetch(address(path), { signal: AbortSignal.timeout(SILENCE_MS) }),
    (reply) => reply.json(),
  );
}

/**
 * Make a call of the server.
 * @template T
 * @param {() => Promise<Reply>} send
 * @param {(reply: Reply) => Promise<T>} read reads the reply to a call that did not fail
 * @returns {Promise<T>} rejects with an ApiError, or an AbortError when it was given up
 */
export async function call(send, read) {
  let reply;
  try {
    reply = await send();
    if (reply.ok) return await read(reply);
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
  const retryAfter = Number(reply.headers.get("Retry-After")) || null;
  const told = await reply.json().catch(() => null);
  if (told?.error) {
    throw new ApiError(told.code, told.message, { details: told.details, requestId: told.request_id, retryAfter });
  }
  // A proxy in front of the server answers in its own format.
  throw failed(reply.status === 503 ? "overloaded" : "unexpected", { status: reply.status }, retryAfter);
}

function unreachable() {
  if (invalidServer) return failed("invalid_server", invalidServer);
  // A browser does not tell a page whether another server is down, does not let it in, or must not be called at all.
  return failed("unreachable", host ? { reason: "elsewhere", host, page: location.origin } : {});
}

/**
 * Make an error that only this page knows of; its message is made of the code and the facts.
 * @param {string} code
 * @param {Details} details
 * @param {number | null} [retryAfter]
 */
function failed(code, details, retryAfter = null) {
  return new ApiError(code, code, { details, retryAfter });
}
