/**
 * The strokes on all photos of the page. Those on one photo are current, the others are kept until it is shown again.
 */

import { NO_STROKES, Strokes } from "./strokes.js";

/** @typedef {import("./history.js").Patch} Patch */

export class StrokeCollection {
  /** Called when other strokes are current, or those may have changed. */
  onchange = () => {};
  /** @type {(patch: Patch) => void} called with each part of the current picture that has changed */
  onpatch = () => {};
  /** Called when a stroke is on the current picture, or no longer. */
  ondrawn = () => {};
  /** @type {Strokes | null} */
  current = null;
  /** @type {Map<Blob, Strokes>} by photo */
  #kept = new Map();

  get state() {
    return this.current?.state ?? NO_STROKES;
  }

  /** Whether there are strokes on any photo. */
  get anywhere() {
    return [this.current, ...this.#kept.values()].some((strokes) => strokes?.state.edited);
  }

  /** The strokes on a photo, where there may be some. @param {Blob} photo */
  on(photo) {
    return photo === this.current?.photo ? this.current : this.#kept.get(photo);
  }

  /** Make the strokes on this photo the current ones. @param {Blob} photo */
  turnTo(photo) {
    if (photo === this.current?.photo) return;
    if (this.current?.any) this.#kept.set(this.current.photo, this.current);
    else this.current?.close();
    this.#take(this.#kept.get(photo) ?? new Strokes(photo));
    this.#kept.delete(photo);
  }

  /** Forget the strokes on a photo. @param {Blob} photo */
  forget(photo) {
    this.on(photo)?.close();
    this.#kept.delete(photo);
    if (photo === this.current?.photo) this.#take(null);
  }

  /** @param {Strokes | null} strokes */
  #take(strokes) {
    if (this.current) {
      this.current.onpatch = () => {};
      this.current.onchange = () => {};
      this.current.ondrawn = () => {};
    }
    this.current = strokes;
    if (strokes) {
      strokes.onpatch = (patch) => this.onpatch(patch);
      strokes.onchange = () => this.onchange();
      strokes.ondrawn = () => this.ondrawn();
    }
    this.onchange();
  }
}
