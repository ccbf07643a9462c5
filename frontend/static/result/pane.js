/** The result for a photo: its cut-out, the request as code, and whether a cut is under way. */

import { finished } from "../brush/strokes.js";
import { forServer, isBlurred, isPlain, markUnreadable, unreadable } from "../compose/fields.js";
import { byId } from "../elements.js";
import { wordsFor } from "../words/errors.js";
import { t } from "../words/translate.js";
import { CodePanel } from "./code.js";
import { CutoutView } from "./cutout.js";

/**
 * @typedef {import("../album/entry.js").Entry} Entry
 * @typedef {import("../album/entry.js").Result} Result
 * @typedef {import("../server/photos.js").Fields} Fields
 * @typedef {{blob: Blob, width: number, height: number}} Photo px, upright
 */

export class ResultPane {
  /** @type {(moved: import("../compose/fields.js").Position) => void} called when a person moved something in the picture */
  onmoved = () => {};

  #cutout;
  #code = new CodePanel(byId("code"));
  #fold = byId("from-code");
  #button = byId("cut");
  #label = byId("cut-label");
  #status = byId("status");

  #naming;

  /**
   * @param {import("../form/notice.js").Notice} notice
   * @param {(entry: Entry) => import("../files/naming.js").Naming} naming
   * @param {import("../steps.js").Steps} steps what the tools of the cut-out undo
   */
  constructor(notice, naming, steps) {
    this.#naming = naming;
    this.#cutout = new CutoutView(byId("cutout"), steps);
    this.#cutout.onmoved = (moved) => this.onmoved(moved);
    this.#cutout.ondrawn = (drawn) => {
      this.#code.drawn = drawn;
    };
    this.#cutout.onproblem = (problem) => {
      const refused = problem instanceof Error && problem.name === "NotAllowedError";
      notice.show(refused ? t("cutout.refused") : wordsFor(problem));
    };
  }

  /** Whether there is no final picture, and none about to be shown. */
  get empty() {
    return this.#cutout.empty;
  }

  /** Whether a person drew on any photo. */
  get drawnOn() {
    return this.#cutout.drawnOn;
  }

  set onredrawn(/** @type {() => void} */ listener) {
    this.#cutout.onredrawn = listener;
  }

  /** Whether the cut-out was drawn on, or strokes were taken back, since `kept` was asked. */
  get redrawn() {
    return this.#cutout.redrawn;
  }

  /** @returns {Promise<Blob | null>} the cut-out with its strokes, as large as the server made it; null while there is none */
  kept() {
    return this.#cutout.kept();
  }

  /** Whether a cut is under way. */
  set busy(/** @type {boolean} */ busy) {
    // Not `disabled`: a disabled button would lose the keyboard's focus.
    this.#button.setAttribute("aria-disabled", String(busy));
    this.#label.textContent = t(busy ? "page.cutting" : "page.cut");
    this.#cutout.busy = busy;
    if (busy) this.tell(t("page.cutting"));
  }

  /** Tell screen readers the progress. @param {string} words */
  tell(words) {
    this.#status.textContent = words;
  }

  clear() {
    this.#cutout.clear();
    this.#fold.hidden = true;
  }

  /** Mark what is shown as no longer wanted: it stays until something else is shown, but cannot be saved. */
  outdate() {
    this.#cutout.outdate();
  }

  /** Forget what was drawn on a photo. @param {Blob} photo */
  forget(photo) {
    this.#cutout.forget(photo);
  }

  /**
   * Show what the cut-out will look like, unless the final picture was faster.
   * @param {ImageBitmap} bitmap is closed
   * @param {Photo} photo
   */
  async preview(bitmap, photo) {
    if (this.empty) await this.#cutout.preview(bitmap, photo);
    else bitmap.close();
  }

  /**
   * Show a finished cut-out. Rejects when `signal` aborts before it is shown.
   * @param {Entry} entry
   * @param {Result} result
   * @param {Fields} fields what is chosen
   * @param {Photo | null} photo as this browser can show it
   * @param {AbortSignal} signal
   */
  async show(entry, result, fields, photo, signal) {
    const told = t("cutout.count", { count: result.count });
    const { finish } = entry.divided(fields);
    if (isBlurred(finish) && !photo && entry.photo.shown) throw unreadable(entry.photo.shown);
    const picture = {
      blob: result.blob,
      box: result.box,
      photo,
      finish,
      transparent: isTransparent(result),
      names: entry.names,
      naming: () => this.#naming(entry),
      told: t("cutout.told", { told, seconds: Number(result.seconds.toFixed(1)) }),
    };
    await this.#cutout.show(picture, signal);
    this.#code.show({ photo: entry.photo, fields: forServer(fields), names: entry.found });
    this.#fold.hidden = false;
    this.tell(t("page.ready", { told }));
  }

  /**
   * Return a function that finishes the cut-out of an entry: with what is chosen, and drawn on its photo, now.
   * @param {Entry} entry
   * @param {Fields} fields what is chosen
   * @param {AbortSignal} signal
   * @returns {Promise<import("../album/album.js").Make>}
   */
  async making(entry, fields, signal) {
    const drawnOn = entry.photo.shown;
    const strokes = drawnOn ? await this.#cutout.strokesOn(drawnOn) : [];
    return async (result) => {
      const { blob } = result;
      const { shown = null } = entry.photo; // it may have been made ready meanwhile
      const { finish } = entry.divided(fields);
      if ((isPlain(finish) && !strokes.length) || !isTransparent(result)) return blob;
      const blurs = isBlurred(finish);
      try {
        return await finished(strokes.length || blurs ? shown : null, blob, strokes, finish);
      } catch (error) {
        if (!blurs || !shown || strokes.length) throw error;
        markUnreadable(shown); // a photo that was never shown here: the server makes it as a whole
        return (await entry.keep(fields, signal)).blob;
      }
    };
  }
}

/** Return whether everything but the objects is transparent. @param {Result} result */
function isTransparent({ fields }) {
  return !fields.background && !fields.background_image && !fields.format;
}
