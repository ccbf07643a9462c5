/**
 * A round, soft brush on the final cut-out: "add" brings the photo's own pixels back, "erase" takes alpha away.
 * Takes the gestures and shows what has changed. Strokes belong to the photo: they are drawn again on its next cut-out.
 */

import { StrokeCollection } from "./collection.js";
import { Cursor } from "./cursor.js";
import { Sheet } from "./sheet.js";

const SIZES = { least: 4, most: 240 }; // diameter, CSS px
const SIZE_STEP = 1.2;
const LEAST_RADIUS = 0.75; // px of the picture: a dab always meets the centre of a pixel

/**
 * @typedef {import("../viewer/viewer.js").Viewer} Viewer
 * @typedef {{x: number, y: number}} Point
 * @typedef {{blob: Blob, width: number, height: number}} Photo px, upright
 * @typedef {{blob: Blob, width: number, height: number, transparent: boolean}} Cutout px
 * @typedef {{photo: Photo | null, cutout: Cutout}} Source
 */

/**
 * Draws on the picture of a viewer, as its pen. Dispatches "change" when what can be edited or undone changes, and
 * "failed" when the picture cannot be read for editing.
 */
export class Brush extends EventTarget {
  #viewer;
  #cursor;
  #size = 48;
  #strokes = new StrokeCollection(); // current are those on the photo that was offered last
  /** @type {Source | null} of the last offer */
  #source = null;
  #editable = false;
  /** @type {Promise<void> | null} of the picture that is read for editing */
  #opening = null;
  /** @type {Sheet | null} from then on */
  #sheet = null;
  #drawing = false;

  /** @param {Viewer} viewer */
  constructor(viewer) {
    super();
    this.#viewer = viewer;
    viewer.pen = this;
    this.#cursor = new Cursor(viewer.port);
    this.#strokes.onpatch = (patch) => this.#sheet?.put(patch);
    this.#strokes.onchange = () => this.#changed();
    this.size = this.#size;
    viewer.addEventListener("change", () => {
      if (viewer.mode !== "view") this.#edit();
    });
  }

  /**
   * Whether the viewer's picture can be edited: a final, transparent cut-out of the full photo. One that is cropped,
   * made smaller or on a background has no pixel of the photo behind each of its own, or no alpha to change.
   */
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

  larger() {
    this.size = Math.max(this.#size + 1, this.#size * SIZE_STEP);
  }

  smaller() {
    this.size = Math.min(this.#size - 1, this.#size / SIZE_STEP);
  }

  /**
   * Make this the picture to edit, before the viewer shows it. The strokes on an earlier cut-out of the photo are drawn
   * on it; without any, nothing is decoded before the viewer's mode asks for it.
   *
   * @param {Photo | null} photo null if it cannot be shown
   * @param {Cutout} cutout
   * @returns {Promise<HTMLElement | null>} shows the picture with its strokes; null without any
   */
  async offer(photo, cutout) {
    this.finish();
    this.#leave();
    if (photo) this.#strokes.turnTo(photo.blob);
    const source = { photo, cutout };
    this.#source = source;
    this.#editable =
      photo !== null && cutout.transparent && photo.width === cutout.width && photo.height === cutout.height;
    this.#changed();
    if (!this.#strokes.current?.any) return null;
    await this.#open();
    return this.#source === source && this.edited && this.#sheet ? this.#sheet.element : null;
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
   * The picture with its strokes at full size; every pixel they did not touch is the offered one, bit for bit.
   *
   * @returns {Promise<Blob | null>} PNG; null without a stroke. Rejects with an AbortError if the photo is forgotten.
   */
  async toBlob() {
    await this.#opening;
    return this.#sheet ? (this.#strokes.current?.file() ?? null) : null;
  }

  // The viewer's pen ------------------------------------------------------------------------------------------------

  /** @param {Point} point px of the picture */
  begin(point) {
    const { mode, scale } = this.#viewer;
    if (!this.#sheet?.ready || mode === "view") return;
    this.#drawing = true;
    this.#strokes.current?.begin({ mode, radius: Math.max(LEAST_RADIUS, this.#size / 2 / scale) });
    this.extend([point]);
  }

  /** @param {Point[]} points px of the picture */
  extend(points) {
    if (this.#drawing) this.#strokes.current?.extend(points);
  }

  finish() {
    if (this.#drawing) this.#strokes.current?.finish();
    this.#drawing = false;
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
    await this.#open();
    if (this.#sheet && !this.#sheet.element.isConnected) this.#viewer.swap(this.#sheet.element);
  }

  /** Read the photo and the cut-out, where they can be edited. */
  async #open() {
    if (!this.#editable || !this.#source) return;
    this.#opening ??= this.#read(this.#source);
    await this.#opening;
  }

  /** @param {Source} source */
  async #read(source) {
    const { photo, cutout } = source;
    const strokes = this.#strokes.current;
    if (!photo || !strokes) return;
    this.#viewer.port.ariaBusy = "true";
    try {
      const sheet = new Sheet(cutout.width, cutout.height);
      this.#sheet = sheet;
      await strokes.open(cutout.blob);
      sheet.ready = true;
    } catch (problem) {
      if (this.#source !== source) return;
      if (strokes.any) this.#leave();
      else this.forget(strokes.photo); // the next picture has another try
      this.#source = source;
      this.#viewer.mode = "view";
      this.#changed();
      this.dispatchEvent(new Event("failed"));
      console.warn(problem); // no memory for it, or sizes that are not what they were said to be
    } finally {
      if (this.#source === source) this.#viewer.port.ariaBusy = null;
    }
  }

  #leave() {
    this.#source = null;
    this.#opening = null;
    this.#sheet = null;
    this.#editable = false;
    this.#drawing = false;
    this.#strokes.current?.drop();
    this.#viewer.port.ariaBusy = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
