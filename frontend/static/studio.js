/**
 * Where photos are processed: they go to the server, their objects come back, what is taken of them is cut out. Wires
 * the parts for it. Loaded when there is a photo, or soon will be.
 */

import { Album, ignoreHandled } from "./album/album.js";
import { Entry } from "./album/entry.js";
import { Saving } from "./album/saving.js";
import { ShownPhoto } from "./album/shown.js";
import { Strip } from "./album/strip.js";
import { byId, find } from "./elements.js";
import { readAll } from "./photo/read.js";
import { ResultPane } from "./result/pane.js";
import { modelFields } from "./server/address.js";
import { ApiError } from "./server/api.js";
import { t } from "./words/translate.js";

const SETTLE_MS = 350; // after a click on an object, before the server is asked: the next click may follow

export class Studio {
  #names;
  #notice;
  #options;
  #result;
  #saving;
  #button = byId("cut");
  #url = find(document, "#url", HTMLInputElement);
  #shown = new ShownPhoto();
  #strip = new Strip(byId("strip"));
  #album = new Album();
  /** @type {Promise<void> | null} the reading of photos */
  #reading = null;
  /** @type {AbortController | null} of the cut that is under way for what is shown */
  #running = null;
  #settling = 0;

  /**
   * @param {object} parts of the page that are there before a photo is
   * @param {import("./form/names.js").NamesField} parts.names
   * @param {import("./form/notice.js").Notice} parts.notice
   * @param {import("./form/options.js").Options} parts.options
   */
  constructor({ names, notice, options }) {
    this.#names = names;
    this.#notice = notice;
    this.#options = options;
    this.#result = new ResultPane(notice);
    this.#saving = new Saving({ album: this.#album, strip: this.#strip, notice, result: this.#result });
    this.#shown.onoutlined = () => this.#outlined();
    this.#shown.onlooked = () => this.#album.takeTurns();
    this.#shown.onfailed = (error, retry) => {
      if (!this.#album.now?.wanted) notice.tell(error, { ...this.#offers, retry }); // else the cut tells it
    };
    this.#shown.objects.onchange = (taken) => this.#take(taken);
    this.#strip.onturn = (entry) => this.#turnTo(entry);
    this.#strip.onremove = (entry) => this.#remove(entry);
    this.#strip.onzip = () => this.#saveAll();
    options.onchange = () => {
      if (this.#album.now?.wanted) this.#cut();
    };
  }

  /**
   * Add what the functions read to the photos, and turn to the first of them.
   * @type {import("./photo/sources.js").Take}
   */
  add(...reads) {
    this.#notice.clear();
    this.#reading = this.#read(reads, this.#reading);
  }

  /**
   * @param {Parameters<import("./photo/sources.js").Take>} reads
   * @param {Promise<void> | null} before the reading of earlier photos
   */
  async #read(reads, before) {
    await before?.catch(() => {}); // its own caller handles it
    const { photos, problems } = await readAll(reads);
    const added = photos.map((photo) => new Entry(photo, this.#how));
    if (added.length) {
      this.#album.entries.push(...added);
      this.#url.setCustomValidity("");
      this.#turnTo(added[0]);
    }
    if (problems.length) this.#notice.show(problems.join("\n"));
  }

  /** Cut what is named out of every photo; without names everything that was found. */
  async cutOut() {
    const names = this.#names.names;
    await this.#reading;
    const problem = this.#url.validationMessage;
    if (problem || !this.#album.now) {
      this.#notice.show(problem || t("source.missing"));
      (problem ? this.#url : byId("file")).focus();
      return;
    }
    for (const entry of this.#album.entries) entry.want({ names });
    if (await this.#cut()) this.#result.scrollTo();
  }

  /** Show the objects' names again: the person's words for them have become known. */
  named() {
    this.#shown.objects.name();
  }

  /** Another model is asked from now on: it finds other objects. */
  modelChosen() {
    this.#stop();
    this.#notice.clear();
    this.#names.mark(null);
    for (const entry of this.#album.entries) entry.forget();
    const { now } = this.#album;
    if (!now) return;
    this.#result.clear();
    this.#shown.show(now);
    if (now.wanted) this.#cut();
  }

  // The photo that is shown -----------------------------------------------------------------------------------------

  /** Show an entry, and go on with it where it was left. @param {Entry | null} entry */
  #turnTo(entry) {
    if (!entry || entry === this.#album.now) return;
    this.#stop();
    this.#notice.clear();
    this.#album.now = entry;
    this.#result.clear();
    if (!entry.photo.url) this.#url.value = "";
    this.#strip.show(this.#album.entries, entry);
    this.#shown.show(entry);
    if (entry.wanted) this.#cut();
  }

  /** Take a photo away. There is always another: a single one has no place in the strip. @param {Entry} entry */
  #remove(entry) {
    this.#turnTo(this.#album.remove(entry));
    if (entry.photo.shown) this.#result.forget(entry.photo.shown);
    this.#strip.show(this.#album.entries, this.#album.now);
  }

  /** Show the state of an entry in the strip and, when it is shown, in the line below it. @param {Entry} entry */
  #changed(entry) {
    this.#strip.update(entry);
    if (entry !== this.#album.now) return;
    this.#notice.wait(entry.wait?.error ? entry.wait : null);
    this.#shown.update();
  }

  /** Preview what is taken already: it was before the photo was left, or by its name. */
  #outlined() {
    if (this.#album.now?.taken.size && this.#result.empty) this.#preview();
  }

  /** Other objects are taken. @param {Set<number>} taken */
  #take(taken) {
    this.#stop();
    this.#names.names = []; // from now on objects are chosen by id
    this.#notice.clear();
    this.#album.now?.want(taken.size ? { ids: taken } : null);
    if (taken.size) {
      this.#result.outdate(); // what is shown stays until the preview replaces it: nothing jumps
      this.#preview();
      this.#settling = setTimeout(() => this.#cut(), SETTLE_MS);
    } else {
      this.#result.clear();
    }
  }

  /** Show what is taken as the page itself can draw it. */
  async #preview() {
    const { objects } = this.#shown;
    const bitmap = await objects.preview(this.#options.values.invert);
    if (bitmap && objects.photo) await this.#result.preview(bitmap, objects.photo);
    else bitmap?.close();
  }

  // Its cut-out -----------------------------------------------------------------------------------------------------

  /** Cut out what is wanted of the photo that is shown. @returns {Promise<boolean>} whether it is there */
  async #cut() {
    const entry = this.#album.now;
    clearTimeout(this.#settling);
    this.#running?.abort();
    this.#notice.clear();
    this.#names.mark(null);
    const own = new AbortController();
    this.#running = own;
    this.#result.busy = true;
    try {
      if (!entry?.wanted || !entry.fields) return false;
      const { fields } = entry;
      if (entry.wanted.names && !entry.taken.size) this.#mark(entry, entry.wanted.names);
      const result = await entry.cut();
      own.signal.throwIfAborted();
      await this.#shown.looked; // only then is it known whether the photo can be shown beside it
      own.signal.throwIfAborted();
      this.#shown.objects.taken = entry.taken; // as the server understood the names
      await this.#result.show(entry, result, fields, this.#shown.objects.photo, own.signal);
      return true;
    } catch (error) {
      if (own.signal.aborted) return false;
      if (!(error instanceof ApiError)) throw error;
      this.#result.tell("");
      this.#result.clear();
      if (error.code === "unknown_object") this.#names.mark(error.details.name ?? null);
      this.#notice.tell(error, this.#offers);
      return false;
    } finally {
      if (this.#running === own) {
        this.#running = null;
        this.#result.busy = false;
      }
      this.#album.takeTurns();
    }
  }

  /** What entries need of the page. */
  #how = {
    fieldsOf: (/** @type {Entry} */ { wanted }) => ({ ...choiceOf(wanted), ...modelFields(), ...this.#options.fields }),
    changed: (/** @type {Entry} */ entry) => this.#changed(entry),
  };

  /**
   * Take the entry's objects that bear these names, as far as this page knows them, and preview them at once.
   * @param {Entry} entry
   * @param {string[]} names that are wanted
   */
  async #mark(entry, names) {
    const { wanted } = entry;
    try {
      const { objects } = await entry.find();
      const means = this.#names.meaning(names);
      if (entry.wanted !== wanted || entry.taken.size || !means) return;
      entry.taken = new Set(objects.filter(({ label }) => means(label)).map(({ id }) => id));
      if (entry !== this.#album.now) return;
      this.#shown.objects.taken = entry.taken;
      this.#outlined();
    } catch (error) {
      ignoreHandled(error); // the cut tells it
    }
  }

  /** Give up the cut that is under way. */
  #stop() {
    clearTimeout(this.#settling);
    if (!this.#running) return;
    this.#running.abort();
    this.#running = null;
    this.#result.tell("");
    this.#result.busy = false;
  }

  /** What a notice can offer to do. Its button vanishes and must not take the focus with it. */
  #offers = {
    retry: () => {
      this.#button.focus();
      if (this.#album.now?.wanted) this.#cut();
      else this.cutOut();
    },
    browse: () => this.#names.browse(),
    replace: (/** @type {string} */ wrong, /** @type {string} */ right) => {
      this.#names.replace(wrong, right);
      this.#button.focus();
      this.cutOut();
    },
    only: (/** @type {string} */ name) => {
      this.#names.names = [name];
      this.#button.focus();
      this.#album.now?.want({ names: [name] }); // the other photos may well show what this one does not
      this.#cut();
    },
  };

  /** Save every photo's cut-out as one ZIP; called again, stop. */
  #saveAll() {
    if (this.#saving.running) return this.#saving.stop();
    const isNew = !this.#album.now?.wanted;
    this.#saving.run(this.#names.names);
    if (isNew) this.#cut(); // show what is made
  }
}

/**
 * Return the fields that say which objects are cut out.
 * @param {import("./album/entry.js").Wanted | null} wanted
 * @returns {import("./server/photos.js").Fields}
 */
function choiceOf(wanted) {
  if (wanted?.ids) return { pick: [...wanted.ids] };
  return wanted?.names.length ? { objects: wanted.names } : {};
}
