/** The cut-out's pane: a preview or the final picture, its tools, and ways to take it home. */

import { Brush, drawnOn } from "./brush.js";
import { canCopy, canShare, copy, download, fileName, share } from "./output.js";
import { showOnly } from "./show.js";
import { t } from "./text.js";
import { Toolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";

/**
 * @typedef {object} Result a finished cut-out
 * @property {Blob} blob the picture, of a kind that browsers show
 * @property {{blob: Blob, width: number, height: number} | null} photo px, upright; null where it cannot be shown
 * @property {boolean} transparent whether everything but the objects is transparent
 * @property {string[]} names what was cut out; empty is everything
 * @property {string} stem of the photo's file name
 * @property {string} told what to say about it, in words
 */

export class CutoutView {
  /** Gives the picture in the kind that was asked for, where it is not the one that is shown. */
  fetchFile = async () => null;
  /** Called with what kept a picture from being given away. */
  onproblem = () => {};

  #pane;
  #canvas;
  #meta;
  #outputs;
  #note;
  #viewer;
  #brush;
  #showing = null; // {final}: the latest picture that is shown, or about to be
  #result = null; // the final picture that can be taken home

  constructor(pane) {
    this.#pane = pane;
    this.#canvas = pane.querySelector(".canvas");
    this.#meta = pane.querySelector(".meta");
    this.#outputs = pane.querySelector(".outputs");
    this.#note = note();
    pane.append(this.#note);
    this.#viewer = new Viewer(this.#canvas.querySelector("div[data-when=picture]"));
    this.#brush = new Brush(this.#viewer);
    this.#brush.addEventListener("failed", () => (this.#note.textContent = t("cutout.not_edited")));
    new Toolbar(pane.querySelector("#tools"), pane, this.#viewer, this.#brush);
    this.#listen("#download", async (file) => download(...file));
    this.#listen("#copy", async ([blob]) => {
      await copy(blob);
      this.#meta.textContent = t("cutout.copied");
    });
    this.#listen("#share", (file) => share(...file));
    this.busy = false;
  }

  /** Whether there is no final picture, and none about to be shown. */
  get empty() {
    return !this.#showing?.final;
  }

  set busy(busy) {
    this.#pane.setAttribute("aria-busy", String(busy));
    this.#canvas.querySelector(".blank").textContent = t(busy ? "page.cutting" : "cutout.waiting");
  }

  /** Show nothing; what was drawn on a photo comes back with its next cut-out. */
  clear() {
    this.#showing = null;
    this.#leave();
    this.#viewer.clear();
    this.#pane.querySelector("#tools").hidden = true;
    this.#meta.textContent = "";
    showOnly(this.#canvas, "waiting");
  }

  /** What is shown is no longer what is wanted: it stays until something else is shown, but is not given away. */
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
    const own = (this.#showing = { final: false });
    this.#leave();
    const after = await this.#brush.sketch(bitmap, photo.blob);
    if (own === this.#showing) {
      await this.#show({ before: photo.blob, after, width: photo.width, height: photo.height, final: false });
    }
    if (own === this.#showing) this.#meta.textContent = t("cutout.preview");
    for (const drawn of [bitmap, after]) drawn.close();
  }

  /** @param {Result} result; rejects when `signal` aborts before it is shown */
  async show(result, signal) {
    const { width, height } = await sizeOf(result.blob);
    signal.throwIfAborted();
    const own = (this.#showing = { final: true });
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
    if (own !== this.#showing) return signal.throwIfAborted();
    this.#result = result;
    if (this.#brush.canEdit) this.#viewer.mode = mode; // the brush stays in hand
    this.#meta.textContent = result.told;
    this.#note.textContent = this.#brush.setAside ? t("cutout.set_aside") : "";
    this.#outputs.hidden = false;
    this.#outputs.querySelector("#copy").hidden = !canCopy(result.blob);
    this.#outputs.querySelector("#share").hidden = !canShare(result.blob, this.#name(result));
    signal.throwIfAborted();
  }

  /**
   * What is drawn on a photo now, be it shown or not, as a function that draws it on a cut-out of the same size, and
   * gives null where nothing is drawn.
   * @param {Blob} photo
   * @returns {Promise<(cutout: Blob) => Promise<Blob | null>>} PNG
   */
  async drawing(photo) {
    const strokes = await this.#brush.strokesOn(photo);
    return async (cutout) => (strokes.length ? drawnOn(photo, cutout, strokes) : null);
  }

  /** The photo is taken away, and what was drawn on it. @param {Blob} photo */
  forget(photo) {
    this.#brush.forget(photo);
  }

  scrollTo() {
    this.#pane.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  async #show(picture) {
    showOnly(this.#canvas, "picture"); // before it is drawn: the viewer measures its place
    await this.#viewer.show(picture);
    this.#pane.querySelector("#tools").hidden = false; // after it: the picture would push them down
  }

  #leave() {
    this.#result = null;
    this.#brush.clear();
    this.#outputs.hidden = true;
    this.#note.textContent = "";
  }

  /** The picture as a file: with the person's strokes if there are any, else as it was asked for. */
  async #file() {
    const result = this.#result;
    const blob = (await this.#brush.toBlob()) ?? (await this.fetchFile()) ?? result.blob;
    return [blob, this.#name(result, blob)];
  }

  #name({ stem, names, blob }, file = blob) {
    return fileName(stem, names, file.type);
  }

  #listen(selector, give) {
    const button = this.#outputs.querySelector(selector);
    button.addEventListener("click", async () => {
      if (!this.#result || button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      try {
        await give(await this.#file());
      } catch (problem) {
        if (problem.name !== "AbortError") this.onproblem(problem); // else another photo was taken meanwhile
      } finally {
        button.ariaBusy = null;
      }
    });
  }
}

/** Below the tools; empty while there is nothing to say. */
function note() {
  const element = document.createElement("p");
  element.className = "hint";
  element.ariaLive = "polite";
  return element;
}

async function sizeOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}
