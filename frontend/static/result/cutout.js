/** The cut-out's pane: a preview or the final picture, its tools, and buttons to save, copy and share it. */

import { Brush } from "../brush/brush.js";
import { finished, layersOf } from "../brush/strokes.js";
import { CENTRED } from "../compose/behind.js";
import { dependsOnPixels, isPlain, needsPixels } from "../compose/fields.js";
import { placed, transform } from "../compose/placing.js";
import { byId, find, make, showOnly } from "../elements.js";
import { fileName } from "../files/naming.js";
import { canCopy, canShare, copy, download, share } from "../files/output.js";
import { sizeOf } from "../files/png.js";
import { isAbort } from "../server/api.js";
import { Viewer } from "../viewer/viewer.js";
import { t } from "../words/translate.js";
import { Backdrop } from "./backdrop.js";
import { Mover } from "./mover.js";
import { Toolbar } from "./toolbar.js";
import { part, under } from "./under.js";

const FOLLOW_MS = 400; // after a stroke, before what lies below is drawn again: the next stroke would wait for it

/** @typedef {import("../compose/placing.js").Size} Size */

/**
 * @typedef {object} Finished a cut-out with what is shown and written beside it
 * @property {Blob} blob the server's answer, of a kind that browsers show
 * @property {number[] | null} box around what is kept, px of the photo; null where it is not known
 * @property {import("../compose/fields.js").Finish} finish what is made of it here
 * @property {{blob: Blob, width: number, height: number} | null} photo px, upright; null where it cannot be shown
 * @property {boolean} transparent whether everything but the objects is transparent
 * @property {string[]} names what was cut out; empty is everything
 * @property {() => import("../files/naming.js").Naming} naming what its file is called now
 * @property {string} told what to say about it, in words
 */

export class CutoutView {
  /** @type {(problem: unknown) => void} called with what kept a picture from being saved, copied or shared */
  onproblem = () => {};
  /** @type {(moved: import("../compose/fields.js").Position) => void} called when a person moved something in the picture */
  onmoved = () => {};
  /** @type {(drawn: boolean) => void} called with whether the picture has strokes of the brush */
  ondrawn = () => {};

  #pane;
  #canvas;
  #meta;
  #outputs;
  #viewer;
  #brush;
  #mover;
  #backdrop;
  #note = make("p", { className: "hint", ariaLive: "polite" }); // below the tools; empty while there is nothing to say
  #tools;
  /** @type {{final: boolean} | null} the latest picture that is shown, or about to be */
  #showing = null;
  /** @type {(Finished & {size: Size}) | null} the final picture, once it can be saved; size: of the cut-out, px */
  #result = null;
  #presenting = Promise.resolve(); // settles when the latest final picture is shown
  /** @type {{layers: HTMLElement[], place: import("../viewer/place.js").Place} | null} what lies below it, and where */
  #below = null;
  #following = 0; // the time out after a stroke
  /** Whether it was drawn on, or strokes were taken back, since `kept` was asked. */
  redrawn = false;
  /** Called when it was. */
  onredrawn = () => {};
  #renewing = false; // the placing of the final picture, when it is drawn on no longer
  #failed = false; // the reading of the final picture, to draw on it

  /** @param {HTMLElement} pane @param {import("../steps.js").Steps} steps what its tools undo */
  constructor(pane, steps) {
    this.#pane = pane;
    this.#canvas = find(pane, ".canvas", HTMLElement);
    this.#meta = find(pane, ".meta", HTMLElement);
    this.#outputs = byId("outputs");
    this.#tools = find(pane, "#tools", HTMLElement);
    pane.append(this.#note);
    this.#viewer = new Viewer(find(this.#canvas, "div[data-when=picture]", HTMLElement));
    this.#viewer.port.append(make("span", { className: "veil" }));
    this.#brush = new Brush(this.#viewer);
    this.#mover = new Mover(this.#viewer);
    this.#mover.onmoved = (position) => this.onmoved({ position });
    this.#backdrop = new Backdrop(this.#viewer);
    this.#backdrop.onmoved = (position) => this.onmoved({ backdrop_position: position });
    this.#brush.addEventListener("failed", () => {
      this.#failed = true;
      this.#tell();
    });
    this.#brush.addEventListener("change", () => this.#tell());
    this.#brush.addEventListener("drawn", () => {
      this.#renewing = this.redrawn = true;
      this.#renew();
      this.#followSoon();
      this.onredrawn();
    });
    this.#viewer.addEventListener("change", () => {
      this.#tell();
      this.#renew();
    });
    new Toolbar(this.#tools, pane, this.#viewer, this.#brush, steps);
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

  /** Whether a person drew on any photo. */
  get drawnOn() {
    return this.#brush.anywhere;
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
    const shown = this.#present(result, signal);
    this.#presenting = shown.catch(() => {});
    await shown;
  }

  /** @param {Finished} result @param {AbortSignal} signal */
  async #present(result, signal) {
    const size = (await sizeOf(result.blob)) ?? (await decodedSize(result.blob));
    signal.throwIfAborted();
    const own = { final: true };
    this.#showing = own;
    const { mode } = this.#viewer;
    this.#result = null; // until this one is shown; the one before stays in sight
    this.#failed = false;
    await this.#arrange(own, result, size);
    if (own !== this.#showing) {
      signal.throwIfAborted();
      return;
    }
    this.#result = { ...result, size };
    if (this.#brush.canEdit) this.#viewer.mode = mode; // the brush stays chosen
    this.#brush.prepare();
    this.#tell();
    this.#meta.textContent = result.told;
    this.#outputs.hidden = false;
    find(this.#outputs, "#copy", HTMLElement).hidden = !canCopy(asFile(result));
    find(this.#outputs, "#share", HTMLElement).hidden = !canShare(asFile(result), nameOf(result, asFile(result)));
    signal.throwIfAborted();
  }

  /** @returns {Promise<Blob | null>} the cut-out with its strokes, as large as the server made it; null while there is none */
  async kept() {
    this.redrawn = false;
    return (await this.#brush.toBlob({})) ?? this.#result?.blob ?? null;
  }

  /** @param {Blob} photo @returns {ReturnType<Brush["strokesOn"]>} the strokes on it now, shown or not */
  strokesOn(photo) {
    return this.#brush.strokesOn(photo);
  }

  /** Forget what was drawn on a photo. @param {Blob} photo */
  forget(photo) {
    this.#brush.forget(photo);
  }

  /**
   * Show a finished picture, its parts where the file has them, unless another picture comes first.
   * @param {{final: boolean}} own
   * @param {Finished} result
   * @param {Size} size of the cut-out, px
   */
  async #arrange(own, { blob, photo, box, finish, names, transparent }, size) {
    const cutout = { blob, ...size, transparent };
    const [after, behind] = await Promise.all([this.#brush.offer(photo, cutout), under(finish)]);
    const below = needsPixels(finish) ? ((await this.#brush.layers(finish)) ?? (await layersOf(blob, finish))) : null;
    if (own !== this.#showing) return;
    const kept = (this.#brush.edited ? null : box) ?? this.#brush.box ?? [0, 0, size.width, size.height];
    const around = below?.box ?? kept;
    const placing = placed(size, around, finish, below?.extent);
    this.#mover.take(finish.canvas ? { size, box: around, finish } : null);
    const { image, element } = behind;
    this.#backdrop.take(image && { image, room: placing, position: finish.backdrop_position ?? CENTRED });
    const place = { ...size, ...transform(placing), turn: below?.turn };
    const layers = (below?.layers ?? []).map((layer) => part(layer, place));
    element.append(...layers);
    this.#below = { layers, place };
    const whole = photo !== null && photo.width === size.width && photo.height === size.height;
    await this.#show({
      before: whole ? photo.blob : null,
      after: after ?? blob,
      under: element,
      place,
      width: placing.width,
      height: placing.height,
      final: true,
      label: names.length ? t("cutout.of", { names: names.join(", ") }) : t("cutout.of-all"),
    });
  }

  /** Follow the strokes with what depends on them. While a brush is in hand the picture stays where it is. */
  async #renew() {
    const [own, result] = [this.#showing, this.#result];
    if (!this.#renewing || !own || !result || this.#viewer.mode !== "view") return;
    this.#renewing = false;
    if (dependsOnPixels(result.finish)) await this.#arrange(own, result, result.size);
  }

  #followSoon() {
    clearTimeout(this.#following);
    this.#following = setTimeout(() => this.#follow(), FOLLOW_MS);
  }

  /** Draw again what lies below the cut-out, by its pixels as they are now, while a brush is in hand. */
  async #follow() {
    if (this.#brush.drawing) return this.#followSoon();
    const [result, below] = [this.#result, this.#below];
    if (!result || !below?.layers.length || this.#viewer.mode === "view") return;
    if (below.place.turn) return; // about another centre than the picture, which stays where it is
    const { layers = [] } = (await this.#brush.layers(result.finish)) ?? {};
    const drawn = layers.map((layer) => part(layer, below.place));
    if (below !== this.#below || drawn.length !== below.layers.length) return;
    for (const [index, layer] of below.layers.entries()) layer.replaceWith(drawn[index]);
    below.layers = drawn;
  }

  /** Write the line below the tools. */
  #tell() {
    const [brush, { mode }] = [this.#brush, this.#viewer];
    let key = "";
    if (this.#failed) key = "cutout.not_edited";
    else if (brush.setAside) key = "cutout.set_aside";
    else if (brush.waiting && mode !== "view") key = "cutout.getting_ready";
    const text = key && t(key);
    this.ondrawn(brush.edited);
    if (this.#note.textContent !== text) this.#note.textContent = text; // else it would be read out again
  }

  /** @param {import("../viewer/viewer.js").Picture} picture */
  async #show(picture) {
    showOnly(this.#canvas, "picture"); // before it is drawn: the viewer measures its place
    await this.#viewer.show(picture);
    this.#tools.hidden = false; // after it: the picture would push them down
  }

  #leave() {
    this.#result = this.#below = null;
    for (const mover of [this.#mover, this.#backdrop]) mover.take(null);
    this.#brush.clear();
    this.#outputs.hidden = true;
    this.#renewing = this.#failed = false;
    this.#tell();
  }

  /** Return the picture as a file: as it is shown, of the kind that was chosen. @param {Finished} result */
  async #file({ blob, finish }) {
    const own = await this.#brush.toBlob(finish).catch((problem) => {
      if (this.#brush.edited || isAbort(problem)) throw problem;
      return null; // no memory for the photo as well: without strokes it is not needed
    });
    return own ?? (isPlain(finish) ? blob : finished(null, blob, [], finish));
  }

  /**
   * Give the picture away when a button is pressed.
   * @param {string} selector
   * @param {(blob: Blob, name: string) => Promise<unknown>} give
   */
  #listen(selector, give) {
    const button = find(this.#outputs, selector, HTMLElement);
    button.addEventListener("click", async () => {
      if (button.ariaBusy === "true") return;
      button.ariaBusy = "true";
      try {
        await this.#presenting; // a change that was made just before belongs to the file
        const result = this.#result;
        if (!result) return;
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
function nameOf({ naming }, file) {
  return fileName(naming(), file.type);
}

/** Return an empty file of the kind that will be saved. @param {Finished} result */
function asFile({ blob, finish: { format, output } }) {
  return new Blob([], { type: output ? "application/zip" : format ? `image/${format}` : blob.type });
}

/** @param {Blob} blob */
async function decodedSize(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}
