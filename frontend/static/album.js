/** The photos of the page. Those that are not shown have their turn one after the other, and all go into one file. */

import { ApiError, cut } from "./api.js";
import { fileName } from "./output.js";

export class Album {
  /** @type {import("./entry.js").Entry[]} */
  entries = [];
  /** The entry that is shown: its calls are made by those who show it. */
  now = null;

  #fieldsOf;
  #turning = false;

  /** @param {(entry: import("./entry.js").Entry) => object} fieldsOf what `/cut` is asked for an entry */
  constructor(fieldsOf) {
    this.#fieldsOf = fieldsOf;
  }

  /** Take an entry away. @returns the one that is shown from now on; null when none is left */
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
      for (let next; (next = this.entries.find((entry) => this.#waits(entry))); ) {
        await (next.detected ? next.cut(this.#fieldsOf(next)) : next.find()).catch(pass);
      }
    } finally {
      this.#turning = false;
    }
  }

  #waits(entry) {
    if (entry === this.now || entry.problem) return false;
    return !entry.detected || (entry.wanted !== null && !entry.answers(this.#fieldsOf(entry)));
  }

  /**
   * Every cut-out in one file. Of what nothing was wanted yet, everything by these names is cut out.
   * @param {string[]} names
   * @param {object} how
   * @param {AbortSignal} how.signal
   * @param {(progress: {done: number, count: number}) => void} how.tell
   * @param {(entry: import("./entry.js").Entry) => Promise<Blob | null>} how.drawn its cut-out as a person changed it
   * @returns {Promise<{file: Blob | null, count: number, missing: {name: string, error: ApiError}[]}>}
   */
  async save(names, { signal, tell, drawn }) {
    const files = [];
    const missing = [];
    const entries = [...this.entries];
    for (const [done, entry] of entries.entries()) {
      tell({ done, count: entries.length });
      if (!entry.wanted) entry.want({ names });
      try {
        const fields = this.#fieldsOf(entry);
        await entry.cut(fields);
        const blob = (await drawn(entry)) ?? (await savedAs(entry, fields, signal)) ?? entry.result.blob;
        files.push({ name: fileName(entry.photo.stem, entry.names, blob.type), blob });
      } catch (error) {
        pass(error);
        if (error instanceof ApiError) missing.push({ name: entry.photo.name, error });
      }
      signal.throwIfAborted();
    }
    const { zip } = await import("./zip.js"); // few need it
    return { file: files.length ? await zip(files) : null, count: files.length, missing };
  }
}

/** The cut-out in the kind that was asked for, where that cannot be looked at; else null. @returns {Promise<Blob | null>} */
export async function savedAs({ photo }, fields, signal = new AbortController().signal) {
  if (!fields.output) return null;
  return (await cut(photo, fields, { accept: "application/zip", signal })).blob;
}

/** A failed call is told by its entry, and one that was given up by nobody. */
export function pass(error) {
  if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
}
