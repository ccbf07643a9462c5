/**
 * A round, soft brush on the final cut-out: "add" brings the photo's own pixels back, "erase" takes alpha away.
 * Takes the gestures and shows what has changed. Strokes belong to the photo: they are drawn again on its next cut-out.
 */

import { isPlain } from "../compose/fields.js";
import { StrokeCollection } from "./collection.js";
import { Cursor } from "./cursor.js";
import { Sheet } from "./sheet.js";

const SIZES = { least: 4, most: 240 }; // diameter, CSS px
const SIZE_STEP = 1.2;
const PREPARE_MS = 400; // a person who is still choosing objects soon has another picture, which would wait for this one
const LEAST_RADIUS = 0.75; // px of the picture: a dab always meets the centre of a pixel

/**
 * @typedef {import("../viewer/viewer.js").Viewer} Viewer
 * @typedef {{x: number, y: number}} Point
 * @typedef {{blob: Blob, width: number, height: number}} Photo px, upright
 * @typedef {{blob: Blob, width: number, height: number, transparent: boolean}} Cutout px
 * @typedef {{photo: Photo | null, cutout: Cutout}} Source
 */

/**
 * Draws on the picture of a viewer, as its pen. Dispatches "change" when what can be edited or undone changes, "stroke"
 * when a person drew one, "drawn" when one is on the picture or no longer, and "failed" when the picture cannot be read.
 */
export class Brush extends EventTarget {
  #viewer;
  #cursor;
  #size = 48;
  #edges = false;
  #strokes = new StrokeCollection(); // current are those on the photo that was offered last
  /** @type {Source | null} of the last offer */
  #source = null;
  #editable = false;
  #preparing = 0;
  /** @type {Promise<void> | null} of the picture, which is read ahead */
  #opening = null;
  /** @type {Promise<void> | null} of the picture on the sheet */
  #showing = null;
  /** @type {Sheet | null} once it is drawn on */
  #sheet = null;
  #waiting = false; // for the picture: what is drawn meanwhile appears then
  #drawing = false;

  /** @param {Viewer} viewer */
  constructor(viewer) {
    super();
    this.#viewer = viewer;
    viewer.pen = this;
    this.#cursor = new Cursor(viewer.port);
    this.#strokes.onpatch = (patch) => this.#sheet?.put(patch);
    this.#strokes.onchange = () => this.#changed();
    this.#strokes.ondrawn = () => this.dispatchEvent(new Event("drawn"));
    this.size = this.#size;
    viewer.addEventListener("change", () => {
      if (viewer.mode !== "view") this.#edit();
    });
    viewer.addEventListener("draw", () => this.#sheet?.meet(viewer.seen));
  }

  /** Whether the viewer's picture can be edited: a final, transparent cut-out of a photo that this browser can show. */
  get canEdit() {
    return this.#editable && this.#viewer.final;
  }

  get canUndo() {
    return this.canEdit && this.#strokes.state.canUndo;
  }

  get canRedo() {
    return this.canEdit && this.#strokes.state.canRedo;
  }

  /** Whether strokes are on the picture that was offered. */
  get edited() {
    return this.#editable && this.#strokes.state.edited;
  }

  /** Whether there are strokes that wait for a picture that can be edited. */
  get setAside() {
    return this.#source !== null && !this.#editable && this.#strokes.state.edited;
  }

  /** Whether what is drawn now appears later: the picture is still being read. */
  get waiting() {
    return this.#waiting;
  }

  /** Whether a stroke is being drawn. */
  get drawing() {
    return this.#drawing;
  }

  /** Around what is left of the cut-out, px; null until it is read. */
  get box() {
    return this.#editable ? this.#strokes.state.box : null;
  }

  /** Whether there are strokes on any photo, that would be lost with the page. */
  get anywhere() {
    return this.#strokes.anywhere;
  }

  get sizes() {
    return SIZES;
  }

  /** Diameter, CSS px on the screen: zooming in makes finer strokes. */
  get size() {
    return this.#size;
  }

  set size(wanted) {
    this.#size = Math.round(Math.min(SIZES.most, Math.max(SIZES.least, wanted)));
    this.#cursor.resize(this.#size);
    if (this.#viewer.mode !== "view") this.#cursor.showSize();
    this.#changed();
  }

  /** Whether strokes stop at the edges of the photo. */
  get edges() {
    return this.#edges;
  }

  set edges(edges) {
    this.#edges = edges;
    this.#changed();
  }

  larger() {
    this.size = Math.max(this.#size + 1, this.#size * SIZE_STEP);
  }

  smaller() {
    this.size = Math.min(this.#size - 1, this.#size / SIZE_STEP);
  }

  /**
   * Make this the picture to edit, before the viewer shows it. The strokes on an earlier cut-out of the photo are drawn
   * on it. The same picture as before stays as it is.
   *
   * @param {Photo | null} photo null if it cannot be shown
   * @param {Cutout} cutout
   * @returns {Promise<HTMLElement | null>} shows the picture with its strokes; null without any
   */
  async offer(photo, cutout) {
    this.finish();
    if (this.#source?.cutout.blob !== cutout.blob || this.#source.photo?.blob !== photo?.blob) this.#leave();
    if (photo) this.#strokes.turnTo(photo.blob);
    const source = this.#source ?? { photo, cutout };
    this.#source = source;
    this.#editable =
      photo !== null && cutout.transparent && photo.width === cutout.width && photo.height === cutout.height;
    this.#changed();
    if (this.#strokes.current?.any) await this.#show();
    return this.#source === source && this.edited && this.#sheet ? this.#sheet.element : null;
  }

  /** Read the offered picture soon, so that it can be drawn on as soon as a person wants to. */
  prepare() {
    clearTimeout(this.#preparing);
    this.#preparing = setTimeout(() => this.#open().catch(() => {}), PREPARE_MS); // a failure is told when it matters
  }

  /**
   * Draw the strokes on a preview of the photo's next cut-out.
   *
   * @param {ImageBitmap} bitmap of the whole photo
   * @param {Blob} photo
   * @returns {Promise<ImageBitmap>} the same one where there is nothing to draw, or it cannot be drawn
   */
  async sketch(bitmap, photo) {
    const strokes = this.#strokes.current;
    return strokes?.photo === photo && strokes.state.edited ? strokes.preview(bitmap).catch(() => bitmap) : bitmap;
  }

  /** Leave the picture; its strokes wait for the photo's next cut-out. */
  clear() {
    this.finish();
    this.#viewer.mode = "view";
    this.#leave();
    this.#changed();
  }

  /** Forget the strokes on a photo. @param {Blob} photo */
  forget(photo) {
    if (photo === this.#strokes.current?.photo) this.#leave();
    this.#strokes.forget(photo);
  }

  /**
   * The strokes on a photo, as they are now.
   *
   * @param {Blob} photo
   * @returns {Promise<import("./history.js").Stroke[]>}
   */
  async strokesOn(photo) {
    return this.#strokes.on(photo)?.list() ?? [];
  }

  /** As far as no stroke is being drawn: its pixels are not yet in the history. */
  undo() {
    if (this.canEdit && !this.#drawing) this.#strokes.current?.undo();
  }

  redo() {
    if (this.canEdit && !this.#drawing) this.#strokes.current?.redo();
  }

  /**
   * The finished picture with its strokes at full size; without a background and at its own size, every pixel they did
   * not touch is the offered one, bit for bit.
   *
   * @param {import("../compose/fields.js").Finish} finish
   * @returns {Promise<Blob | null>} null where the picture cannot be edited, or it is the offered one. Rejects with an
   *   AbortError if the photo is forgotten.
   */
  async toBlob(finish) {
    if (!this.#editable || (isPlain(finish) && !this.#sheet)) return null;
    await this.#open();
    return this.#strokes.current?.file(finish) ?? null;
  }

  /**
   * What of the finished picture depends on the cut-out's pixels and lies below them.
   *
   * @param {import("../compose/fields.js").Finish} finish
   * @returns {Promise<import("./brushworker.js").Layers | null>} null where the picture cannot be edited
   */
  async layers(finish) {
    if (!this.#editable) return null;
    await this.#open();
    return this.#strokes.current?.layers(finish) ?? null;
  }

  // The viewer's pen ------------------------------------------------------------------------------------------------

  /** @param {Point} point px of the picture */
  begin(point) {
    const { mode, penScale: scale } = this.#viewer;
    if (!this.#sheet || mode === "view") return;
    this.#drawing = true;
    this.#strokes.current?.begin({
      mode,
      radius: Math.max(LEAST_RADIUS, this.#size / 2 / scale),
      edges: this.#edges,
    });
    this.extend([point]);
  }

  /** @param {Point[]} points px of the picture */
  extend(points) {
    if (this.#drawing) this.#strokes.current?.extend(points);
  }

  finish() {
    if (!this.#drawing) return;
    this.#strokes.current?.finish();
    this.#drawing = false;
    this.dispatchEvent(new Event("stroke"));
  }

  cancel() {
    if (this.#drawing) this.#strokes.current?.cancel();
    this.#drawing = false;
  }

  /** @param {Point | null} place px of the port */
  hover(place) {
    this.#cursor.follow(place);
  }

  // The picture -----------------------------------------------------------------------------------------------------

  /** Show the picture that strokes are drawn on. */
  async #edit() {
    if (!this.#editable) this.#viewer.mode = "view";
    await this.#show();
    if (this.#sheet && !this.#sheet.element.isConnected) this.#viewer.swap(this.#sheet.element);
  }

  /** Draw the picture on a sheet. Strokes of meanwhile are drawn once it is read: the worker does one after the other. */
  async #show() {
    if (!this.#editable || !this.#source) return;
    this.#showing ??= this.#draw(this.#source);
    await this.#showing;
  }

  /** @param {Source} source */
  async #draw(source) {
    this.#sheet = new Sheet(source.cutout.width, source.cutout.height);
    this.#wait(true);
    try {
      await Promise.all([this.#open(), this.#strokes.current?.show()]);
    } catch (problem) {
      if (this.#source === source) this.#fail(source, problem);
    } finally {
      if (this.#source === source) this.#wait(false);
    }
  }

  /** Read the photo and the cut-out, where they can be edited. */
  async #open() {
    if (!this.#editable || !this.#source) return;
    this.#opening ??= this.#strokes.current?.open(this.#source.cutout.blob) ?? null;
    await this.#opening;
  }

  /** @param {Source} source @param {unknown} problem no memory for it, or sizes that are not what they were said to be */
  #fail(source, problem) {
    const strokes = this.#strokes.current;
    if (strokes?.any) this.#leave();
    else if (strokes) this.forget(strokes.photo); // the next picture has another try
    this.#source = source;
    this.#viewer.mode = "view";
    this.#changed();
    this.dispatchEvent(new Event("failed"));
    console.warn(problem);
  }

  /** @param {boolean} waiting */
  #wait(waiting) {
    this.#waiting = waiting;
    this.#viewer.port.ariaBusy = waiting ? "true" : null;
    this.#changed();
  }

  #leave() {
    clearTimeout(this.#preparing);
    this.#source = null;
    this.#opening = null;
    this.#showing = null;
    this.#sheet = null;
    this.#editable = false;
    this.#drawing = false;
    this.#strokes.current?.drop();
    this.#waiting = false;
    this.#viewer.port.ariaBusy = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
