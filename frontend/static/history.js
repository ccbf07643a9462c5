/** Undo and redo for pixels: what an edit replaced is kept as patches, up to a number of bytes. */

/**
 * @typedef {object} Patch pixels for a rectangle of the picture
 * @property {number} x left, px of the picture
 * @property {number} y top, px of the picture
 * @property {ImageData} image straight RGBA
 */

/** Dispatches "change" whenever what can be undone or redone may have changed. */
export class History extends EventTarget {
  #exchange;
  #limit;
  #done = []; // edits, oldest first; an edit is an array of patches
  #undone = []; // edits, the one to be redone first at the end
  #forgotten = false;

  /**
   * A patch is kept once: undoing puts its pixels into the picture and keeps those that were there for redoing.
   *
   * @param {(patch: Patch) => Patch} exchange puts a patch into the picture, gives back what it replaced
   * @param {number} limit bytes of pixels; the oldest edits beyond are forgotten, the newest never is
   */
  constructor(exchange, limit = 200e6) {
    super();
    this.#exchange = exchange;
    this.#limit = limit;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Whether the picture differs from the one before the first edit, as far as is known. */
  get changed() {
    return this.canUndo || this.#forgotten;
  }

  /** @param {Patch[]} replaced what the edit has replaced; its rectangles do not overlap */
  push(replaced) {
    this.#undone = [];
    this.#done.push(replaced);
    let kept = this.#done.reduce((sum, edit) => sum + bytes(edit), 0);
    while (kept > this.#limit && this.#done.length > 1) {
      kept -= bytes(this.#done.shift());
      this.#forgotten = true;
    }
    this.#tell();
  }

  undo() {
    this.#move(this.#done, this.#undone);
  }

  redo() {
    this.#move(this.#undone, this.#done);
  }

  clear() {
    this.#done = [];
    this.#undone = [];
    this.#forgotten = false;
    this.#tell();
  }

  #move(from, to) {
    if (!from.length) return;
    to.push(from.pop().map(this.#exchange));
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

function bytes(edit) {
  return edit.reduce((sum, patch) => sum + patch.image.data.byteLength, 0);
}
