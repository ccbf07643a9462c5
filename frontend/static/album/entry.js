/** A photo on the page, its calls of the server and their results. Knows nothing of what is shown. */

import { divided } from "../compose/fields.js";
import { prepared } from "../photo/prepare.js";
import { ApiError } from "../server/api.js";
import { cut, detect } from "../server/photos.js";
import { patiently } from "../server/retry.js";
import { localName } from "../words/translate.js";

/**
 * @typedef {import("../server/photos.js").Detected} Detected
 * @typedef {import("../server/photos.js").Fields} Fields
 * @typedef {import("../server/retry.js").Tell} Tell
 */

/**
 * What is to be cut out: objects by name, none is all; or by id, those in boxes that a person drew among them.
 * @typedef {{names: string[], ids?: undefined} | {ids: Set<number>, names?: undefined}} Wanted
 */

/**
 * A cut-out.
 * @typedef {import("../server/photos.js").Answer & {seconds: number, fields: Fields}} Result seconds: that it took;
 *   fields: what the server was asked for
 */

/**
 * @typedef {{box: number[], object: import("../server/photos.js").DetectedObject}} Boxed box: x0, y0, x1, y1, px of the
 *   photo, as it was drawn
 * @typedef {{signal: AbortSignal, tell: Tell, progress: (share: number) => void}} How a call is made
 * @typedef {{abort: AbortController, done: Promise<Result>, fields: Fields, holders: number}} Cut a call of `/cut` that
 *   is under way, and how many wait for it
 */

export class Entry {
  /** @type {Wanted | null} */
  wanted = null;
  /** @type {Set<number>} ids of the objects that are taken, as far as they are known */
  taken = new Set();
  /** @type {Detected | null} */
  detected = null;
  /** @type {Map<number, Boxed>} what a person drew boxes around, by id */
  boxes = new Map();
  /** @type {Result | null} the latest cut-out */
  result = null;
  /** @type {{wanted: Wanted, taken: Set<number>} | null} what it is of */
  #given = null;
  /** @type {ApiError | null} why there is no answer to the last call */
  problem = null;
  /** @type {import("../server/retry.js").Wait | null} */
  wait = null;
  /** @type {number | null} how much of the photo is uploaded, 0 to 1; null when nothing is */
  sent = null;

  #fieldsOf;
  #search;
  #changed;
  /** @type {{abort: AbortController, done: Promise<void>} | null} */
  #preparing = null;
  #ready = false; // the photo is one that can be sent, and be shown
  /** @type {{abort: AbortController, done: Promise<Detected>} | null} */
  #finding = null;
  /** @type {AbortController | null} of the latest search in a box */
  #boxing = null;
  /** @type {Set<Cut>} */
  #cuts = new Set();
  /** @type {Cut | null} the one of them that is for what is wanted */
  #cutting = null;

  /**
   * @param {import("../photo/view.js").ShownPhoto} photo
   * @param {object} how
   * @param {(entry: Entry) => Fields} how.fieldsOf what `/cut` is asked for, for what is wanted
   * @param {() => Fields} how.search what `/detect` is asked for
   * @param {(entry: Entry) => void} how.changed called when anything of it did
   */
  constructor(photo, { fieldsOf, search, changed }) {
    this.photo = photo;
    this.#fieldsOf = fieldsOf;
    this.#search = search;
    this.#changed = () => changed(this);
  }

  get looking() {
    return this.#finding !== null;
  }

  get cutting() {
    return this.#cutting !== null;
  }

  /** What is cut out, in the words by which it is wanted, or as its classes are called; empty is everything. */
  get names() {
    return this.wanted?.names ?? this.#classesOf(this.taken);
  }

  /** What is cut out, as its classes are called, where they are known; else as it is wanted. Empty is everything. */
  get found() {
    return this.#foundFor(this.wanted, this.taken);
  }

  /**
   * Return what is cut out, once its classes are known, or cannot be.
   * @param {Wanted | null} wanted
   * @param {Result} result for that
   * @param {AbortSignal} signal
   * @returns {Promise<string[]>} as `found`
   */
  async namesFound(wanted, { ids }, signal) {
    if (wanted?.names?.length) {
      const looking = this.find().catch(() => {}); // its own call tells a failure
      await until(looking, signal);
    }
    return this.#foundFor(wanted, ids);
  }

  /** What is wanted now, by the names of the interface; null while nothing is. */
  get fields() {
    return this.wanted && this.#fieldsOf(this);
  }

  /** What of these fields the server is asked for, and what the page makes of its answer. @param {Fields} fields */
  divided(fields) {
    return divided(fields, this.photo.shown);
  }

  /** Whether the cut-out there is is the one that is wanted now. */
  get answered() {
    return this.result !== null && this.#asksFor(this.result.fields);
  }

  /** Want something else of the photo, or nothing any more. @param {Wanted | null} wanted */
  want(wanted) {
    const [before, names] = [this.wanted?.names, wanted?.names];
    if (before && names && sameValue(before, names) && !this.problem) return; // under way, or there
    this.stop();
    this.wanted = wanted;
    this.taken = wanted?.ids ?? new Set();
    this.problem = null;
    if (!wanted) this.result = null;
    this.#changed();
  }

  /**
   * Want what the latest cut-out is of again: what was wanted after it cannot be had.
   * @returns {boolean} whether there is such a cut-out
   */
  retreat() {
    if (!this.result || !this.#given || this.#given.wanted === this.wanted) return false;
    this.want(this.#given.wanted);
    this.taken = this.#given.taken;
    return true;
  }

  /** Make the photo ready to be sent and shown, once: `photo` may be another one then. @returns {Promise<void>} */
  async prepare() {
    if (this.#ready) return;
    if (this.#preparing) return this.#preparing.done;
    const made = this.#call(
      async (how) => {
        this.photo = await prepared(this.photo, how);
        this.#ready = true;
      },
      {
        over: () => {
          if (this.#preparing === made) this.#preparing = null;
        },
      },
    );
    this.#preparing = made;
    return made.done;
  }

  /** Find every object, once. @returns {Promise<Detected>} */
  async find() {
    if (this.detected) return this.detected;
    if (this.#finding) return this.#finding.done;
    const made = this.#call(
      async (how) => {
        await this.prepare();
        const fields = this.#search();
        const detected = await patiently(() => detect(this.photo, fields, how), how);
        how.signal.throwIfAborted();
        this.detected = this.#withBoxes(detected);
        this.#leaveOthers(this.detected);
        return this.detected;
      },
      {
        over: () => {
          if (this.#finding === made) this.#finding = null;
        },
      },
    );
    this.#finding = made;
    return made.done;
  }

  /**
   * Find what is in a box, and add it to what was found.
   * @param {number[]} box x0, y0, x1, y1, px of the photo
   * @returns {Promise<number | null>} its id; null where nothing is
   */
  async findIn(box) {
    const made = this.#call(
      async (how) => {
        await this.prepare();
        return patiently(() => detect(this.photo, { box }, how), how);
      },
      { over: () => {} },
    );
    this.#boxing = made.abort;
    const [found] = (await made.done).objects;
    if (!found) return null;
    this.boxes.set(found.id, { box, object: found });
    if (this.detected) this.detected = this.#withBoxes(this.detected);
    this.#changed();
    return found.id;
  }

  /** Forget what was found, but not what is in boxes: something else is searched for from now on. */
  unfind() {
    this.#finding?.abort.abort();
    this.#finding = null;
    this.detected = null;
    this.#changed();
  }

  /** Cut out what is wanted now; a call for what was wanted before gives up. @returns {Promise<Result>} */
  async cut() {
    if (this.result && this.answered) return this.result;
    if (!this.fields) throw new Error("nothing is wanted");
    const call = this.#callFor(this.divided(this.fields).asked);
    if (call !== this.#cutting) {
      call.holders++;
      this.stop();
      this.#cutting = call;
    }
    return call.done;
  }

  /**
   * Return the server's cut-out for these fields, whether they are what is wanted or not: only `signal` gives it up.
   * @param {Fields} fields
   * @param {AbortSignal} signal
   * @returns {Promise<Result>}
   */
  async keep(fields, signal) {
    const { asked } = this.divided(fields);
    return this.result && sameFields(this.result.fields, asked) ? this.result : this.#hold(asked, signal);
  }

  /** Forget what was found: another model is asked from now on. What is wanted by name stays wanted. */
  forget() {
    this.close();
    this.#finding = null;
    this.detected = this.result = this.problem = null;
    this.boxes = new Map();
    this.taken = new Set();
    if (this.wanted?.ids) this.wanted = null;
    this.#changed();
  }

  /** Give up the cut that is under way for what is wanted, unless it is held elsewhere. */
  stop() {
    release(this.#cutting);
    this.#cutting = null;
  }

  /** Give up everything that is not held elsewhere. */
  close() {
    this.stop();
    this.#preparing?.abort.abort();
    this.#preparing = null;
    this.#finding?.abort.abort();
    this.#boxing?.abort();
  }

  /** @param {Wanted | null} wanted @param {Iterable<number> | null} ids of what is cut out, where they are known */
  #foundFor(wanted, ids) {
    const asked = wanted?.names;
    if (asked?.length === 0) return asked;
    const classes = this.#classesOf(ids ?? []);
    return classes.length || !asked ? classes : asked;
  }

  /** Return what the classes of these objects are called, as far as they are known. @param {Iterable<number>} ids */
  #classesOf(ids) {
    const all = new Set(ids);
    const objects = this.detected?.objects.filter(({ id }) => all.has(id)) ?? [];
    return [...new Set(objects.map(({ label }) => localName(label)))];
  }

  /** Want no objects that were found in an earlier search, but not in this one. @param {Detected} detected */
  #leaveOthers({ objects }) {
    if (!this.wanted?.ids) return;
    const found = objects.map(({ id }) => id);
    const kept = new Set(found.filter((id) => this.taken.has(id)));
    if (kept.size < this.taken.size) this.want(kept.size ? { ids: kept } : null);
  }

  /** @param {Detected} detected @returns {Detected} */
  #withBoxes(detected) {
    const boxed = [...this.boxes.values()].map(({ object }) => object);
    const others = detected.objects.filter(({ id }) => !this.boxes.has(id));
    return { ...detected, objects: [...boxed, ...others] };
  }

  /** Whether these fields are for what is wanted now. @param {Fields} fields */
  #asksFor(fields) {
    return this.fields !== null && sameFields(this.divided(this.fields).asked, fields);
  }

  /** @param {Fields} fields @param {AbortSignal} signal @returns {Promise<Result>} */
  async #hold(fields, signal) {
    signal.throwIfAborted();
    const call = this.#callFor(fields);
    call.holders++;
    try {
      return await until(call.done, signal);
    } finally {
      release(call);
    }
  }

  /**
   * Return the call of `/cut` for these fields: one that is under way, or a new one without holders.
   * @param {Fields} fields
   */
  #callFor(fields) {
    const running = [...this.#cuts].find((call) => !call.abort.signal.aborted && sameFields(call.fields, fields));
    if (running) return running;
    const started = performance.now();
    const over = () => {
      this.#cuts.delete(call);
      if (this.#cutting === call) this.#cutting = null;
    };
    const made = this.#call(
      async (how) => {
        await this.prepare();
        const answer = await patiently(() => cut(this.photo, fields, { accept: "image/*", ...how }), how);
        const result = { ...answer, fields, seconds: (performance.now() - started) / 1000 };
        if (this.#asksFor(fields)) this.#take(result);
        return result;
      },
      { heeded: () => this.#asksFor(fields), over },
    );
    const call = { ...made, fields, holders: 0 };
    this.#cuts.add(call);
    return call;
  }

  /** @param {Result} result */
  #take(result) {
    this.result = result;
    if (this.wanted?.names && result.ids) this.taken = new Set(result.ids);
    this.#given = this.wanted && { wanted: this.wanted, taken: this.taken };
  }

  /**
   * @template T
   * @param {(how: How) => Promise<T>} run
   * @param {{heeded?: () => boolean, over: () => void}} options heeded: whether how it ends concerns what is wanted
   */
  #call(run, { heeded = () => true, over }) {
    const abort = new AbortController();
    const { signal } = abort;
    /** @type {How} */
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
      await null; // until the caller has stored the call
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

/**
 * Wait for a promise; rejects when a signal aborts before it is settled.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
function until(promise, signal) {
  signal.throwIfAborted();
  /** @type {Promise<never>} */
  const left = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return Promise.race([promise, left]);
}

/** Count one holder less; without any, give the call up. @param {Cut | null} call */
function release(call) {
  if (!call) return;
  call.holders--;
  if (call.holders === 0) call.abort.abort();
}

/**
 * Return whether two requests ask for the same. Pictures are the same when they are the very same file.
 * @param {Fields} one
 * @param {Fields} other
 */
function sameFields(one, other) {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => {
    if (one[name] instanceof Blob) return one[name] === other[name];
    return sameValue(one[name], other[name]);
  });
}

/** @param {unknown} one @param {unknown} other */
function sameValue(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
