/** The cut-out's pane: a preview or the final picture, its tools, and ways to take it home. */

import { Brush } from "./brush.js";
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

  #pane;
  #canvas;
  #meta;
  #outputs;
  #viewer;
  #brush;
  #result = null;

  constructor(pane) {
    this.#pane = pane;
    this.#canvas = pane.querySelector(".canvas");
    this.#meta = pane.querySelector(".meta");
    this.#outputs = pane.querySelector(".outputs");
    this.#viewer = new Viewer(this.#canvas.querySelector("div[data-when=picture]"));
    this.#brush = new Brush(this.#viewer);
    new Toolbar(pane.querySelector("#tools"), pane, this.#viewer, this.#brush);
    this.#listen("#download", async (file) => download(...file));
    this.#listen("#copy", async ([blob]) => {
      await copy(blob);
      this.#meta.textContent = t("cutout.copied");
    });
    this.#listen("#share", (file) => share(...file));
    this.busy = false;
  }

  /** Whether there is a final picture. */
  get empty() {
    return this.#result === null;
  }

  /** Whether a person has drawn on the picture. */
  get edited() {
    return !this.empty && this.#brush.edited;
  }

  set busy(busy) {
    this.#pane.setAttribute("aria-busy", String(busy));
    this.#canvas.querySelector(".blank").textContent = t(busy ? "page.cutting" : "cutout.waiting");
  }

  clear() {
    this.#forget();
    this.#viewer.clear();
    this.#pane.querySelector("#tools").hidden = true;
    this.#meta.textContent = "";
    showOnly(this.#canvas, "waiting");
  }

  /** What is shown is no longer what is wanted: it stays until something else is shown, but is not given away. */
  outdate() {
    this.#forget();
  }

  /**
   * Show what the cut-out will look like.
   * @param {ImageBitmap} bitmap is closed when it is drawn
   * @param {{blob: Blob, width: number, height: number}} photo px, upright
   */
  async preview(bitmap, photo) {
    this.#forget();
    await this.#show({ before: photo.blob, after: bitmap, width: photo.width, height: photo.height, final: false });
    bitmap.close();
    this.#meta.textContent = t("cutout.preview");
  }

  /** @param {Result} result; rejects when `signal` aborts before it is shown */
  async show(result, signal) {
    const { width, height } = await sizeOf(result.blob);
    signal.throwIfAborted();
    const { photo } = result;
    const whole = photo !== null && photo.width === width && photo.height === height;
    const label = result.names.length ? t("cutout.of", { names: result.names.join(", ") }) : t("cutout.of-all");
    this.#forget();
    this.#result = result; // from now on a preview comes too late
    await this.#show({ before: whole ? photo.blob : null, after: result.blob, width, height, final: true, label });
    signal.throwIfAborted();
    this.#brush.offer(photo, { blob: result.blob, width, height, transparent: result.transparent });
    this.#meta.textContent = result.told;
    this.#outputs.hidden = false;
    this.#outputs.querySelector("#copy").hidden = !canCopy(result.blob);
    this.#outputs.querySelector("#share").hidden = !canShare(result.blob, this.#name(result.blob));
  }

  scrollTo() {
    this.#pane.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  async #show(picture) {
    showOnly(this.#canvas, "picture"); // before it is drawn: the viewer measures its place
    await this.#viewer.show(picture);
    this.#pane.querySelector("#tools").hidden = false; // after it: the picture would push them down
  }

  #forget() {
    this.#result = null;
    this.#brush.clear();
    this.#outputs.hidden = true;
  }

  /**
   * The picture as a file: with the person's strokes if there are any, else as it was asked for.
   * @returns {Promise<[Blob, string]>} with its name
   */
  async file() {
    const blob = this.edited ? await this.#brush.toBlob() : ((await this.fetchFile()) ?? this.#result.blob);
    return [blob, this.#name(blob)];
  }

  #name(blob) {
    return fileName(this.#result.stem, this.#result.names, blob.type);
  }

  #listen(selector, give) {
    const button = this.#outputs.querySelector(selector);
    button.addEventListener("click", async () => {
      if (this.empty || button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      try {
        await give(await this.file());
      } finally {
        button.ariaBusy = null;
      }
    });
  }
}

async function sizeOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}
