/** What a person did to each photo, step by step, to be undone and done again. Does not know what a step is. */

/**
 * @typedef {object} Step
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {() => boolean} [canUndo] whether it can be undone now
 * @property {() => boolean} [canRedo] whether it can be done again now
 */

/** Dispatches "change" when what can be undone or done again changes. */
export class Steps extends EventTarget {
  /** @type {WeakMap<object, {done: Step[], undone: Step[]}>} by photo */
  #all = new WeakMap();
  /** @type {{done: Step[], undone: Step[]}} of the photo that is shown */
  #now = { done: [], undone: [] };

  /** Go on with the steps of a photo, whatever stands for it. @param {object} photo */
  turnTo(photo) {
    this.#now = this.#all.get(photo) ?? { done: [], undone: [] };
    this.#all.set(photo, this.#now);
    this.#changed();
  }

  /** Forget the steps on all photos. */
  clear() {
    this.#all = new WeakMap();
  }

  get canUndo() {
    return can(this.#now.done.at(-1), "canUndo");
  }

  get canRedo() {
    return can(this.#now.undone.at(-1), "canRedo");
  }

  /** Add what was just done. @param {Step} step */
  add(step) {
    this.#now.done.push(step);
    this.#now.undone = [];
    this.#changed();
  }

  /** Forget a step that came to nothing, if it is the last one. @param {Step | null} step */
  drop(step) {
    if (step === this.#now.done.at(-1)) this.#now.done.pop();
    this.#changed();
  }

  undo() {
    this.#pass(this.canUndo, this.#now.done, this.#now.undone)?.undo();
  }

  redo() {
    this.#pass(this.canRedo, this.#now.undone, this.#now.done)?.redo();
  }

  /** Move the last step, if it may be. @param {boolean} may @param {Step[]} from @param {Step[]} to */
  #pass(may, from, to) {
    const step = may ? from.pop() : undefined;
    if (!step) return null;
    to.push(step);
    this.#changed();
    return step;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Step | undefined} step @param {"canUndo" | "canRedo"} way */
function can(step, way) {
  return step !== undefined && (step[way]?.() ?? true);
}
