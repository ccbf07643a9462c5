/** The strokes on a photo, for undo, redo, and to be drawn again on its next cut-out. */

/**
 * @typedef {object} Tip of the brush
 * @property {"add" | "erase"} mode
 * @property {number} radius px of the photo
 * @property {boolean} edges whether it draws only what belongs to what the middle of the stroke touches
 */

/** @typedef {Tip & {path: {x: number, y: number}[]}} Stroke what was drawn, whatever the cut-out below; px of the photo */

/**
 * @typedef {object} Patch pixels for a rectangle of the picture
 * @property {number} x left, px of the picture
 * @property {number} y top, px of the picture
 * @property {number} width px
 * @property {number} height px
 * @property {Uint8ClampedArray<ArrayBuffer>} data straight RGBA
 */

/** @typedef {{stroke: Stroke, replaced: Patch[] | null}} Edit replaced: null once it was too much to keep */

export class History {
  #limit;
  /** @type {Edit[]} oldest first */
  #done = [];
  /** @type {Stroke[]} the one to be redone first at the end */
  #undone = [];

  /** @param {number} limit bytes of replaced pixels; beyond, the oldest strokes stay, but cannot be undone any more */
  constructor(limit = 200e6) {
    this.#limit = limit;
  }

  get canUndo() {
    return Boolean(this.#done.at(-1)?.replaced);
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** @returns {Stroke[]} those that are on the picture, oldest first */
  get strokes() {
    return this.#done.map(({ stroke }) => stroke);
  }

  /**
   * @param {Stroke} stroke that was just drawn
   * @param {Patch[]} replaced the pixels that were there before; the rectangles do not overlap
   */
  push(stroke, replaced) {
    this.#undone = [];
    this.#keep(stroke, replaced);
  }

  /** @returns {Patch[]} what is to be put back; call it only when `canUndo` */
  undo() {
    const edit = this.#done.pop();
    if (!edit?.replaced) throw new Error("nothing can be undone");
    this.#undone.push(edit.stroke);
    return edit.replaced;
  }

  /**
   * Call it only when `canRedo`.
   * @param {(stroke: Stroke) => Patch[]} draw gives back what the stroke replaced
   */
  redo(draw) {
    const stroke = this.#undone.pop();
    if (!stroke) throw new Error("nothing can be redone");
    this.#keep(stroke, draw(stroke));
  }

  /** Draw all strokes on another picture. @param {(stroke: Stroke) => Patch[]} draw as for `redo` */
  replay(draw) {
    const { strokes } = this;
    this.#done = [];
    for (const stroke of strokes) this.#keep(stroke, draw(stroke));
  }

  /** @param {Stroke} stroke @param {Patch[]} replaced */
  #keep(stroke, replaced) {
    this.#done.push({ stroke, replaced });
    let kept = this.#done.reduce((sum, edit) => sum + bytes(edit), 0);
    for (const edit of this.#done.slice(0, -1)) {
      if (kept <= this.#limit) return;
      kept -= bytes(edit);
      edit.replaced = null;
    }
  }
}

/** @param {Edit} edit */
function bytes({ replaced }) {
  return replaced?.reduce((sum, patch) => sum + patch.data.byteLength, 0) ?? 0;
}
