/** A photo on the page and what became of it. Owns its calls of the server; knows nothing of what is shown. */

import { ApiError, cut, detect } from "./api.js";
import { patiently } from "./patient.js";
import { called } from "./text.js";

/**
 * @typedef {object} Result
 * @property {Blob} blob the picture, of a kind that browsers show
 * @property {number} count how many objects are in it
 * @property {number[] | null} ids of these objects; null where the server does not tell
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

  #fieldsOf;
  #changed;
  #finding = null; // {abort, done}
  #cuts = new Set(); // those under way: {abort, done, fields, holders}
  #cutting = null; // the one of them that is for what is wanted
  #file = null; // {fields, blob} of the last file that cannot be looked at

  /**
   * @param {import("./api.js").Photo & {shown?: Blob}} photo shown: the picture as browsers show it upright
   * @param {object} how
   * @param {(entry: Entry) => object} how.fieldsOf what `/cut` is asked for, for what is wanted
   * @param {(entry: Entry) => void} how.changed called when anything of it did
   */
  constructor(photo, { fieldsOf, changed }) {
    this.photo = photo;
    this.#fieldsOf = fieldsOf;
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

  /** What `/cut` is asked for now; null while nothing is wanted. */
  get fields() {
    return this.wanted && this.#fieldsOf(this);
  }

  /** Whether the cut-out there is is the one that is wanted now. */
  get answered() {
    return this.result !== null && this.#asksFor(this.result.fields);
  }

  /** Want something else of the photo, or nothing any more. @param {{names: string[]} | {ids: Set<number>} | null} wanted */
  want(wanted) {
    if (wanted?.names && this.wanted?.names && same(this.wanted, wanted) && !this.problem) return; // under way, or there
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
    this.#finding ??= this.#call(
      async (how) => (this.detected = await patiently(() => detect(this.photo, how), how)),
      { over: () => (this.#finding = null) },
    );
    return this.#finding.done;
  }

  /** Cut out what is wanted now; a call for what was wanted before gives up. @returns {Promise<Result>} */
  async cut() {
    if (this.answered) return this.result;
    const call = this.#callFor(pictured(this.fields));
    if (call !== this.#cutting) {
      call.holders++;
      this.stop();
      this.#cutting = call;
    }
    return call.done;
  }

  /**
   * The cut-out for these fields, be they those of what is wanted or not: only `signal` gives it up.
   * @param {object} fields
   * @param {AbortSignal} signal
   * @returns {Promise<Result>}
   */
  async keep(fields, signal) {
    const wanted = pictured(fields);
    return this.result && same(this.result.fields, wanted) ? this.result : this.#hold(wanted, signal);
  }

  /**
   * The same in the kind that was asked for, where that cannot be looked at; else null.
   * @param {object} fields
   * @param {AbortSignal} signal
   * @returns {Promise<Blob | null>}
   */
  async file(fields, signal) {
    if (!fields.output) return null;
    if (!this.#file || !same(this.#file.fields, fields)) this.#file = await this.#hold(fields, signal);
    return this.#file.blob;
  }

  /** Give up the cut that is under way for what is wanted, unless somebody else holds it. */
  stop() {
    release(this.#cutting);
    this.#cutting = null;
  }

  /** Give up everything that nobody else holds. */
  close() {
    this.stop();
    this.#finding?.abort.abort();
  }

  #asksFor(fields) {
    return this.wanted !== null && same(pictured(this.fields), fields);
  }

  async #hold(fields, signal) {
    signal.throwIfAborted();
    const call = this.#callFor(fields);
    call.holders++;
    const left = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    try {
      return await Promise.race([call.done, left]);
    } finally {
      release(call);
    }
  }

  /** The call of `/cut` for these fields: one that is under way, or a new one, which nobody holds yet. */
  #callFor(fields) {
    const running = [...this.#cuts].find((call) => same(call.fields, fields));
    if (running) return running;
    const accept = fields.output ? "application/zip" : "image/*";
    const started = performance.now();
    const over = () => {
      this.#cuts.delete(call);
      if (this.#cutting === call) this.#cutting = null;
    };
    const call = this.#call(
      async (how) => {
        const answer = await patiently(() => cut(this.photo, fields, { accept, ...how }), how);
        const result = { ...answer, fields, seconds: (performance.now() - started) / 1000 };
        if (this.#asksFor(fields)) this.#take(result);
        return result;
      },
      { heeded: () => this.#asksFor(fields), over },
    );
    this.#cuts.add(Object.assign(call, { fields, holders: 0 }));
    return call;
  }

  #take(result) {
    this.result = result;
    if (this.wanted.names && result.ids) this.taken = new Set(result.ids);
  }

  /** @param heeded whether how it ends concerns what is wanted */
  #call(run, { heeded = () => true, over }) {
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
        if (heeded()) this.problem = null;
        return answer;
      } catch (error) {
        if (error instanceof ApiError && heeded()) this.problem = error;
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

/** One who waits for this call does no longer; nobody is left: it gives up. */
function release(call) {
  if (call && --call.holders === 0) call.abort.abort();
}

/** The fields for a picture that can be looked at: a ZIP cannot. */
function pictured({ output, ...fields }) {
  return fields;
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
