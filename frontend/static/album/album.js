/** The photos of the page. Those that are not shown are processed one at a time; all cut-outs are saved as one ZIP. */

import { fileName } from "../files/naming.js";
import { ApiError, isAbort } from "../server/api.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./entry.js").Result} Result
 * @typedef {import("../server/photos.js").Fields} Fields
 * @typedef {(result: Result) => Promise<Blob>} Make makes the file of a finished picture
 */

export class Album {
  /** @type {Entry[]} */
  entries = [];
  /** @type {Entry | null} the entry that is shown: its calls are made by those who show it */
  now = null;

  #turning = false;

  /**
   * Remove an entry.
   * @param {Entry} entry
   * @returns {Entry | null} the one that is shown from now on; null when none is left
   */
  remove(entry) {
    const place = this.entries.indexOf(entry);
    this.entries = this.entries.filter((other) => other !== entry);
    entry.close();
    return entry === this.now ? (this.entries[Math.min(place, this.entries.length - 1)] ?? null) : this.now;
  }

  /** Find the objects of every photo that is not shown, and cut out what is wanted of it. */
  async takeTurns() {
    if (this.#turning) return;
    this.#turning = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        await (next.detected ? next.cut() : next.find()).catch(ignoreHandled);
      }
    } finally {
      this.#turning = false;
    }
  }

  #next() {
    return this.entries.find((entry) => this.#waits(entry));
  }

  /** @param {Entry} entry */
  #waits(entry) {
    if (entry === this.now || entry.problem) return false;
    return !entry.detected || (entry.wanted !== null && !entry.answered);
  }

  /**
   * Pack every cut-out into one ZIP, as each is wanted now: what is wanted, drawn or removed meanwhile changes nothing.
   * Photos of which nothing is wanted yet are cut by these names.
   * @param {string[]} names
   * @param {object} how
   * @param {AbortSignal} how.signal
   * @param {(entry: Entry) => import("../files/naming.js").Naming} how.naming
   * @param {(progress: {done: number, count: number}) => void} how.tell
   * @param {(entry: Entry, fields: Fields, signal: AbortSignal) => Promise<Make>} how.making what a person chose and drew until now
   * @returns {Promise<{file: Blob | null, count: number, missing: {name: string, error: unknown}[]}>}
   */
  async save(names, { signal, naming, tell, making }) {
    const asked = this.entries.map((entry) => {
      if (!entry.wanted) entry.want({ names });
      const { wanted } = entry;
      const fields = entry.fields ?? {};
      const under = entry.answered || entry.cutting; // it has begun: kept until the ZIP is made
      const made = under ? entry.keep(fields, signal) : null;
      const make = making(entry, fields, signal);
      for (const promise of [made, make]) promise?.catch(() => {}); // awaited in its turn
      return { entry, wanted, fields, naming: naming(entry), made, make };
    });
    const files = [];
    const missing = [];
    for (const [done, { entry, wanted, fields, naming, made, make }] of asked.entries()) {
      tell({ done, count: asked.length });
      try {
        const result = await (made ?? entry.keep(fields, signal));
        const blob = await (await make)(result);
        const found = wanted?.names ? await entry.namesFound(wanted, result, signal) : naming.names;
        files.push({ name: fileName({ ...naming, names: found }, blob.type), blob });
      } catch (error) {
        missing.push({ name: entry.photo.name, error });
      }
      signal.throwIfAborted();
    }
    const { zip } = await import("../files/zip.js"); // few need it
    return { file: files.length ? await zip(files) : null, count: files.length, missing };
  }
}

/**
 * Ignore a failed call, which its entry tells, and one that was given up. Throws everything else.
 * @param {unknown} error
 */
export function ignoreHandled(error) {
  if (!(error instanceof ApiError) && !isAbort(error)) throw error;
}
