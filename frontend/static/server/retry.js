/** Calls of the server that may have to wait: tried again while it is busy or away; a long wait is told. */

import { ApiError } from "./api.js";
import { inFlight } from "./photos.js";

const TEMPORARY = new Set(["overloaded", "not_ready", "rate_limited", "unreachable"]); // codes of errors
const TRIES = 10;
const AGAIN_S = 5; // where the server does not say how long
const LONG_MS = 2000; // more than almost every photo takes

/**
 * @typedef {object} Wait why an answer is not there yet
 * @property {ApiError | null} error the server's refusal; null while it processes the photo
 * @property {number} seconds until it is asked again
 * @property {number} others photos that the server processes, this one among them
 * @property {() => void} retryNow ask again at once
 */

/** @typedef {(wait: Wait | null) => void} Tell called with null when the wait is over */

/**
 * Call `ask` until it succeeds.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {{signal: AbortSignal, tell: Tell}} how
 * @returns {Promise<T>} rejects as `ask` does, for temporary errors only after many tries
 */
export async function patiently(ask, { signal, tell }) {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await watched(ask, tell);
    } catch (error) {
      if (!(error instanceof ApiError) || !TEMPORARY.has(error.code) || !left) throw error;
      await pause(error, signal, tell);
    }
  }
}

/**
 * Call `ask`, and meanwhile tell how many photos the server has.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {Tell} tell
 * @returns {Promise<T>}
 */
async function watched(ask, tell) {
  let told = false;
  let over = false;
  let asking = false;
  const timer = setInterval(async () => {
    if (asking) return;
    asking = true;
    const others = await inFlight().catch(() => 0);
    asking = false;
    if (over || others < 2) return;
    told = true;
    tell({ error: null, seconds: 0, others, retryNow: () => {} });
  }, LONG_MS);
  try {
    return await ask();
  } finally {
    over = true;
    clearInterval(timer);
    if (told) tell(null);
  }
}

/**
 * Wait until it is time for the next try, `retryNow` is called, or this browser is connected again.
 * @param {ApiError} error
 * @param {AbortSignal} signal
 * @param {Tell} tell
 * @returns {Promise<void>}
 */
function pause(error, signal, tell) {
  return new Promise((resolve, reject) => {
    let seconds = error.retryAfter ?? AGAIN_S;
    const end = (/** @type {() => void} */ settle) => {
      clearInterval(timer);
      removeEventListener("online", retryNow);
      signal.removeEventListener("abort", abort);
      tell(null);
      settle();
    };
    const retryNow = () => end(resolve);
    const abort = () => end(() => reject(signal.reason));
    const report = () => tell({ error, seconds, others: 0, retryNow });
    const timer = setInterval(() => {
      seconds--;
      if (seconds > 0) report();
      else retryNow();
    }, 1000);
    addEventListener("online", retryNow);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else report();
  });
}
