/** The result for a photo: its cut-out, the request as code, and whether a cut is under way. */

import { byId } from "../elements.js";
import { wordsFor } from "../words/errors.js";
import { t } from "../words/translate.js";
import { CodePanel } from "./code.js";
import { CutoutView } from "./cutout.js";

/**
 * @typedef {import("../album/entry.js").Entry} Entry
 * @typedef {import("../album/entry.js").Result} Result
 * @typedef {{blob: Blob, width: number, height: number}} Photo px, upright
 */

export class ResultPane {
  #cutout = new CutoutView(byId("cutout"));
  #code = new CodePanel(byId("code"));
  #fold = byId("from-code");
  #button = byId("cut");
  #label = byId("cut-label");
  #status = byId("status");

  /** @param {import("../form/notice.js").Notice} notice */
  constructor(notice) {
    this.#cutout.onproblem = (problem) => {
      const refused = problem instanceof Error && problem.name === "NotAllowedError";
      notice.show(refused ? t("cutout.refused") : wordsFor(problem));
    };
  }

  /** Whether there is no final picture, and none about to be shown. */
  get empty() {
    return this.#cutout.empty;
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

  scrollTo() {
    this.#cutout.scrollTo();
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
   * @param {import("../server/photos.js").Fields} fields that were asked for
   * @param {Photo | null} photo as this browser can show it
   * @param {AbortSignal} signal
   */
  async show(entry, result, fields, photo, signal) {
    const told = t("cutout.count", { count: result.count });
    const picture = {
      blob: result.blob,
      photo,
      transparent: isTransparent(result),
      names: entry.names,
      stem: entry.photo.stem,
      told: t("cutout.told", { told, seconds: Number(result.seconds.toFixed(1)) }),
    };
    await this.#cutout.show(picture, signal);
    this.#cutout.fetchFile = () => entry.file(fields, new AbortController().signal);
    this.#code.show({ photo: entry.photo, fields });
    this.#fold.hidden = false;
    this.tell(t("page.ready", { told }));
  }

  /**
   * Return what is drawn on a photo now, as a function that draws it on a cut-out, where that can be.
   * @param {Entry["photo"]} photo
   * @returns {Promise<import("../album/album.js").Draw>}
   */
  async drawing({ shown }) {
    const draw = shown ? await this.#cutout.drawing(shown) : async () => null;
    return async (result) => (isTransparent(result) && !result.fields.crop ? draw(result.blob) : null);
  }
}

/** Return whether everything but the objects is transparent. @param {Result} result */
function isTransparent({ blob, fields }) {
  return !fields.background && !fields.background_image && blob.type !== "image/jpeg";
}
