/** A photo on the page and what became of it. Owns its calls of the server; knows nothing of what is shown. */

import { ApiError, cut, detect } from "./api.js";
import { patiently } from "./patient.js";
import { called } from "./text.js";

/**
 * @typedef {object} Result
 * @property {Blob} blob the picture, of a kind that browsers show
 * @property {number} count how many objects are in it
 * @property {number} seconds that it took
 * @property {object} fields what was asked for
 */

export class Entry {
  /** @type {{names: string[]} | {ids: Set<number>} | null} what is to be cut out of it */
  wanted = null;
  /** Ids of the objects that are taken, as far as they are known. */
  taken = new Set();
  /** @type {import("./found.js").Detected | null} */
  detected = null;
  /** @type {Result | null} the latest cut-out */
  result = null;
  /** @type {ApiError | null} why there is no answer to the last call */
  problem = null;
  /** @type {import("./patient.js").Wait | null} */
  wait = null;
  /** How much of the photo is uploaded, 0 to 1; null when nothing is. */
  sent = null;

  #changed;
  #finding = null; // {abort, done}
  #cutting = null; // {abort, done, fields}

  /**
   * @param {import("./api.js").Photo} photo
   * @param {(entry: Entry) => void} changed called when anything of it did
   */
  constructor(photo, changed) {
    this.photo = photo;
    this.#changed = () => changed(this);
  }

  get looking() {
    return this.#finding !== null;
  }

  get cutting() {
    return this.#cutting !== null;
  }

  /** What is cut out, in words; empty is everything. */
  get names() {
    if (this.wanted.names) return this.wanted.names;
    const taken = this.detected.objects.filter(({ id }) => this.wanted.ids.has(id));
    return [...new Set(taken.map(({ label }) => called(label)))];
  }

  /** Whether the cut-out there is was made for these fields. */
  answers(fields) {
    return this.result !== null && same(this.result.fields, fields);
  }

  /** Want something else of the photo, or nothing any more. @param {{names: string[]} | {ids: Set<number>} | null} wanted */
  want(wanted) {
    this.stop();
    this.wanted = wanted;
    this.taken = wanted?.ids ?? new Set();
    this.problem = null;
    if (!wanted) this.result = null;
    this.#changed();
  }

  /** Find every object, once. @returns {Promise<import("./found.js").Detected>} */
  async find() {
    if (this.detected) return this.detected;
    this.#finding ??= this.#call(async (how) => {
      this.detected = await patiently(() => detect(this.photo, [], how), how);
      return this.detected;
    }, () => (this.#finding = null));
    return this.#finding.done;
  }

  /** Cut out for these fields of `/cut`; a call for others that is under way gives up. @returns {Promise<Result>} */
  async cut(fields) {
    if (this.answers(fields)) return this.result;
    if (this.#cutting && same(this.#cutting.fields, fields)) return this.#cutting.done;
    this.stop();
    const started = performance.now();
    const shown = { ...fields };
    delete shown.output; // a ZIP cannot be looked at
    const own = this.#call(async (how) => {
      const answer = await patiently(() => cut(this.photo, shown, { accept: "image/*", ...how }), how);
      this.result = { ...answer, fields, seconds: (performance.now() - started) / 1000 };
      return this.result;
    }, () => {
      if (this.#cutting === own) this.#cutting = null;
    });
    own.fields = fields;
    this.#cutting = own;
    return own.done;
  }

  /** Give up the cut that is under way. */
  stop() {
    this.#cutting?.abort.abort();
    this.#cutting = null;
  }

  /** Give up everything. */
  close() {
    this.stop();
    this.#finding?.abort.abort();
  }

  #call(run, over) {
    const abort = new AbortController();
    const { signal } = abort;
    const how = {
      signal,
      tell: (wait) => {
        this.wait = wait;
        this.#changed();
      },
      progress: (share) => {
        this.sent = share < 1 ? share : null;
        this.#changed();
      },
    };
    const done = (async () => {
      await null; // whoever calls has noted it by now
      this.#changed();
      try {
        const answer = await run(how);
        signal.throwIfAborted();
        this.problem = null;
        return answer;
      } catch (error) {
        if (error instanceof ApiError) this.problem = error;
        throw error;
      } finally {
        this.sent = null;
        over();
        this.#changed();
      }
    })();
    return { abort, done };
  }
}

/** Whether two requests ask for the same. Pictures are the same when they are the very same file. */
function same(one, other) {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => {
    if (one[name] instanceof Blob) return one[name] === other[name];
    return JSON.stringify(one[name]) === JSON.stringify(other[name]);
  });
}
