/** Calls that change the models of the server, for people with an admin key. */

import { address } from "./address.js";
import { ApiError, call } from "./api.js";
import { upload } from "./upload.js";

const SILENCE_MS = 400_000; // a large model is loaded from a slow disk without a word
const READY_MS = 10_000;

/** @typedef {{name: string, classes: string[], needs_bytes: number, default: boolean}} Listed */
/** @typedef {{model: string, classes: string[]}} Added */

/** @param {string} key @returns {Promise<Listed[]>} */
export async function listModels(key) {
  const { response } = await call(
    () => fetch(address("models"), { headers: authorization(key), signal: AbortSignal.timeout(READY_MS) }),
    (reply) => reply.json(),
  );
  return response.models;
}

/**
 * Send a model file, which the server checks, loads and tries before anybody can ask for it.
 * @param {File} file
 * @param {object} options
 * @param {string} options.key
 * @param {string} options.name of the model; empty: that of the file
 * @param {string} options.classes names with commas between them; empty: those in the file
 * @param {(share: number) => void} options.progress of the upload, 0 to 1
 * @param {(check: string, found: string) => void} options.passed
 * @returns {Promise<Added>} rejects with an ApiError
 */
export async function addModel(file, { key, name, classes, progress, passed }) {
  const query = new URLSearchParams({ file: file.name, name, classes });
  let seen = 0;
  const told = (/** @type {string} */ text) => {
    for (const line of lines(text).slice(seen)) {
      if (line.check) passed(line.check, line.found);
      seen += 1;
    }
  };
  const headers = { ...authorization(key), Accept: "application/x-ndjson" };
  const last = await call(
    () => upload(address(`models?${query}`), { body: file, headers, progress, told, silenceMs: SILENCE_MS }),
    async (reply) => lines(await (await reply.blob()).text()).at(-1),
  );
  if (!last.error) return last.response;
  throw new ApiError(last.code, last.message, { details: last.details, requestId: last.request_id });
}

/** @param {string} name @param {string} key */
export async function removeModel(name, key) {
  await call(
    () => fetch(address(`models/${encodeURIComponent(name)}`), { method: "DELETE", headers: authorization(key) }),
    (reply) => reply.json(),
  );
}

/** The objects in the whole lines of a text. @param {string} text @returns {any[]} */
function lines(text) {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** @param {string} key */
function authorization(key) {
  return { Authorization: `Bearer ${key}` };
}
