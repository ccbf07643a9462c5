/** Calls of the server that may have to wait: tried again while it is busy or away, and told while they take long. */

import { ApiError, inFlight } from "./api.js";

const PASSES = new Set(["overloaded", "not_ready", "rate_limited", "unreachable"]);
const TRIES = 10;
const AGAIN_S = 5; // where the server does not say how long
const LONG_MS = 2000; // more than almost every photo takes

/**
 * @typedef {object} Wait why an answer is not there yet
 * @property {ApiError | null} error the server's refusal; null while it works on the call
 * @property {number} seconds until it is asked again
 * @property {number} others photos that the server works on, this one among them
 * @property {() => void} hurry ask again at once
 */

/**
 * @template T
 * @param {() => Promise<T>} ask
 * @param {{signal: AbortSignal, tell: (wait: Wait | null) => void}} how `tell` hears null when the wait is over
 * @returns {Promise<T>} rejects as `ask` does, for passing troubles only after many tries
 */
export async function patiently(ask, { signal, tell }) {
  for (let left = TRIES; ; ) {
    try {
      return await watched(ask, tell);
    } catch (error) {
      if (!(error instanceof ApiError) || !PASSES.has(error.code) || !--left) throw error;
      await pause(error, signal, tell);
    }
  }
}

/** Ask, and from time to time tell how many photos the server has. */
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
    tell({ error: null, seconds: 0, others, hurry: () => {} });
  }, LONG_MS);
  try {
    return await ask();
  } finally {
    over = true;
    clearInterval(timer);
    if (told) tell(null);
  }
}

/** Until it is time for the next try, or somebody hurries, or this browser is connected again. */
function pause(error, signal, tell) {
  return new Promise((resolve, reject) => {
    let seconds = error.retryAfter ?? AGAIN_S;
    const end = (settle) => {
      clearInterval(timer);
      removeEventListener("online", hurry);
      signal.removeEventListener("abort", abort);
      tell(null);
      settle();
    };
    const hurry = () => end(resolve);
    const abort = () => end(() => reject(signal.reason));
    const say = () => tell({ error, seconds, others: 0, hurry });
    const timer = setInterval(() => (--seconds > 0 ? say() : hurry()), 1000);
    addEventListener("online", hurry);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else say();
  });
}
