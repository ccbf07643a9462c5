/** The cut-out's pane: a preview or the final picture, its tools, and buttons to save, copy and share it. */

import { Brush } from "../brush/brush.js";
import { drawnOn } from "../brush/strokes.js";
import { find, make, showOnly } from "../elements.js";
import { canCopy, canShare, copy, download, fileName, share } from "../files/output.js";
import { isAbort } from "../server/api.js";
import { Viewer } from "../viewer/viewer.js";
import { t } from "../words/translate.js";
import { Toolbar } from "./toolbar.js";

/**
 * @typedef {object} Finished a cut-out with what is shown and written beside it
 * @property {Blob} blob the picture, of a kind that browsers show
 * @property {{blob: Blob, width: number, height: number} | null} photo px, upright; null where it cannot be shown
 * @property {boolean} transparent whether everything but the objects is transparent
 * @property {string[]} names what was cut out; empty is everything
 * @property {string} stem of the photo's file name
 * @property {string} told what to say about it, in words
 */

export class CutoutView {
  /** @type {() => Promise<Blob | null>} gives the picture in the kind that was asked for, where another is shown */
  fetchFile = async () => null;
  /** @type {(problem: unknown) => void} called with what kept a picture from being saved, copied or shared */
  onproblem = () => {};

  #pane;
  #canvas;
  #meta;
  #outputs;
  #viewer;
  #brush;
  #note = make("p", { className: "hint", ariaLive: "polite" }); // below the tools; empty while there is nothing to say
  #tools;
  /** @type {{final: boolean} | null} the latest picture that is shown, or about to be */
  #showing = null;
  /** @type {Finished | null} the final picture, once it can be saved */
  #result = null;

  /** @param {HTMLElement} pane */
  constructor(pane) {
    this.#pane = pane;
    this.#canvas = find(pane, ".canvas", HTMLElement);
    this.#meta = find(pane, ".meta", HTMLElement);
    this.#outputs = find(pane, ".outputs", HTMLElement);
    this.#tools = find(pane, "#tools", HTMLElement);
    pane.append(this.#note);
    this.#viewer = new Viewer(find(this.#canvas, "div[data-when=picture]", HTMLElement));
    this.#brush = new Brush(this.#viewer);
    this.#brush.addEventListener("failed", () => {
      this.#note.textContent = t("cutout.not_edited");
    });
    new Toolbar(this.#tools, pane, this.#viewer, this.#brush);
    this.#listen("#download", async (blob, name) => download(blob, name));
    this.#listen("#copy", async (blob) => {
      await copy(blob);
      this.#meta.textContent = t("cutout.copied");
    });
    this.#listen("#share", share);
    this.busy = false;
  }

  /** Whether there is no final picture, and none about to be shown. */
  get empty() {
    return !this.#showing?.final;
  }

  /** @param {boolean} busy whether a cut is under way */
  set busy(busy) {
    this.#pane.setAttribute("aria-busy", String(busy));
    find(this.#canvas, ".blank", HTMLElement).textContent = t(busy ? "page.cutting" : "cutout.waiting");
  }

  /** Show nothing; what was drawn on a photo comes back with its next cut-out. */
  clear() {
    this.#showing = null;
    this.#leave();
    this.#viewer.clear();
    this.#tools.hidden = true;
    this.#meta.textContent = "";
    showOnly(this.#canvas, "waiting");
  }

  /** Mark what is shown as no longer wanted: it stays until something else is shown, but cannot be saved. */
  outdate() {
    this.#showing = null;
    this.#leave();
  }

  /**
   * Show what the cut-out will look like, unless another picture comes first.
   * @param {ImageBitmap} bitmap is closed when it is drawn
   * @param {{blob: Blob, width: number, height: number}} photo px, upright
   */
  async preview(bitmap, photo) {
    const own = { final: false };
    this.#showing = own;
    this.#leave();
    const after = await this.#brush.sketch(bitmap, photo.blob);
    if (own === this.#showing) {
      await this.#show({ before: photo.blob, after, width: photo.width, height: photo.height, final: false });
    }
    if (own === this.#showing) this.#meta.textContent = t("cutout.preview");
    for (const drawn of [bitmap, after]) drawn.close();
  }

  /**
   * Show a finished cut-out. Rejects when `signal` aborts before it is shown.
   * @param {Finished} result
   * @param {AbortSignal} signal
   */
  async show(result, signal) {
    const { width, height } = await sizeOf(result.blob);
    signal.throwIfAborted();
    const own = { final: true };
    this.#showing = own;
    const { photo } = result;
    const whole = photo !== null && photo.width === width && photo.height === height;
    const label = result.names.length ? t("cutout.of", { names: result.names.join(", ") }) : t("cutout.of-all");
    const { mode } = this.#viewer;
    this.#result = null; // until this one is shown; the one before stays in sight
    const cutout = { blob: result.blob, width, height, transparent: result.transparent };
    const after = (await this.#brush.offer(photo, cutout)) ?? result.blob;
    if (own === this.#showing) {
      await this.#show({ before: whole ? photo.blob : null, after, width, height, final: true, label });
    }
    if (own !== this.#showing) {
      signal.throwIfAborted();
      return;
    }
    this.#result = result;
    if (this.#brush.canEdit) this.#viewer.mode = mode; // the brush stays chosen
    this.#meta.textContent = result.told;
    this.#note.textContent = this.#brush.setAside ? t("cutout.set_aside") : "";
    this.#outputs.hidden = false;
    find(this.#outputs, "#copy", HTMLElement).hidden = !canCopy(result.blob);
    find(this.#outputs, "#share", HTMLElement).hidden = !canShare(result.blob, nameOf(result, result.blob));
    signal.throwIfAborted();
  }

  /**
   * Return what is drawn on a photo now, shown or not, as a function that draws it on a cut-out of the same size, and
   * gives null where nothing is drawn.
   * @param {Blob} photo
   * @returns {Promise<(cutout: Blob) => Promise<Blob | null>>} PNG
   */
  async drawing(photo) {
    const strokes = await this.#brush.strokesOn(photo);
    return async (cutout) => (strokes.length ? drawnOn(photo, cutout, strokes) : null);
  }

  /** Forget what was drawn on a photo. @param {Blob} photo */
  forget(photo) {
    this.#brush.forget(photo);
  }

  scrollTo() {
    this.#pane.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  /** @param {import("../viewer/viewer.js").Picture} picture */
  async #show(picture) {
    showOnly(this.#canvas, "picture"); // before it is drawn: the viewer measures its place
    await this.#viewer.show(picture);
    this.#tools.hidden = false; // after it: the picture would push them down
  }

  #leave() {
    this.#result = null;
    this.#brush.clear();
    this.#outputs.hidden = true;
    this.#note.textContent = "";
  }

  /**
   * Return the picture as a file: with the person's strokes if there are any, else as it was asked for.
   * @param {Finished} result
   */
  async #file(result) {
    return (await this.#brush.toBlob()) ?? (await this.fetchFile()) ?? result.blob;
  }

  /**
   * Give the picture away when a button is pressed.
   * @param {string} selector
   * @param {(blob: Blob, name: string) => Promise<unknown>} give
   */
  #listen(selector, give) {
    const button = find(this.#outputs, selector, HTMLElement);
    button.addEventListener("click", async () => {
      const result = this.#result;
      if (!result || button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      try {
        const blob = await this.#file(result);
        await give(blob, nameOf(result, blob));
      } catch (problem) {
        if (!isAbort(problem)) this.onproblem(problem); // else another photo was taken meanwhile
      } finally {
        button.ariaBusy = null;
      }
    });
  }
}

/** Return the name of a finished cut-out's file. @param {Finished} result @param {Blob} file */
function nameOf({ stem, names }, file) {
  return fileName(stem, names, file.type);
}

/** @param {Blob} blob */
async function sizeOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}
