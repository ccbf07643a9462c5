/**
 * Where photos are processed: they go to the server, their objects come back, what is taken of them is cut out. Wires
 * the parts for it. Loaded when there is a photo, or soon will be.
 */

import { Album, ignoreHandled } from "./album/album.js";
import { Entry } from "./album/entry.js";
import { Saving } from "./album/saving.js";
import { ShownPhoto } from "./album/shown.js";
import { Strip } from "./album/strip.js";
import { isWhole, UNREADABLE } from "./compose/fields.js";
import { NO_ROOM } from "./compose/placing.js";
import { byId, find } from "./elements.js";
import { NamesField } from "./form/names.js";
import { Options } from "./form/options.js";
import { Shortcuts } from "./keyboard/shortcuts.js";
import { readAll } from "./photo/read.js";
import { ResultPane } from "./result/pane.js";
import { modelFields } from "./server/address.js";
import { ApiError, isAbort } from "./server/api.js";
import { Stage } from "./stage.js";
import { Steps } from "./steps.js";
import { wordsFor } from "./words/errors.js";
import { t } from "./words/translate.js";

/** Codes of errors that no later try mends for a photo behind an address. */
const LOST = new Set(
  "url_refused url_unreachable unreadable_image unsupported_image image_too_large body_too_large".split(" "),
);
/** Codes of errors that say of what is wanted that it cannot be cut out. */
const NOT_THERE = new Set(["unknown_object", "object_not_found"]);
const SETTLE_MS = 350; // after a click on an object, before the server is asked: the next click may follow
const REST_MS = 1000; // after a stroke, before the photo's outline follows: the next stroke would wait for it

/**
 * @typedef {import("./server/photos.js").Fields} Fields of `/cut` and `/detect`
 * @typedef {{wanted: import("./album/entry.js").Wanted | null, settings: import("./form/options.js").Settings}} Choice
 */

export class Studio {
  #names = new NamesField(byId("names"));
  #options = new Options(byId("look"));
  #stage = new Stage();
  #notice;
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
  #whole = false; // whether the server's cut-out is as large as the photo, and keeps what is taken
  #steps = new Steps();
  /** @type {Choice} the latest for the photo that is shown, which the next one can be undone to */
  #noted = this.#chosen;
  /** @type {import("./steps.js").Step | null} the choice that was noted last */
  #step = null;
  #score = this.#options.values.min_score; // by which objects are searched for
  /** @type {string[]} what is told of addresses that led to no photo, since photos were added last */
  #lost = [];

  /** @param {import("./form/notice.js").Notice} notice */
  constructor(notice) {
    this.#notice = notice;
    this.#result = new ResultPane(notice, this.#naming, this.#steps);
    this.#saving = new Saving({
      album: this.#album,
      strip: this.#strip,
      notice,
      result: this.#result,
      naming: this.#naming,
    });
    this.#shown.onoutlined = () => this.#outlined();
    this.#shown.onlooked = () => this.#album.takeTurns();
    this.#shown.onfailed = (error, retry) => {
      if (!this.#album.now?.wanted) notice.tell(error, { ...this.#offers, retry }); // else the cut tells it
    };
    this.#shown.onchange = (taken) => this.#take(taken);
    this.#shown.onboxed = (box) => this.#box(box);
    byId("box").addEventListener("click", () => {
      this.#stage.view = "photo"; // a key may have pressed it
    });
    this.#strip.onturn = (entry) => this.#turnTo(entry);
    this.#strip.onremove = (entry) => this.#remove(entry);
    this.#strip.onzip = () => this.#saveAll();
    new Shortcuts();
    addEventListener("beforeunload", (event) => {
      if (this.#result.drawnOn) event.preventDefault(); // the browser asks whether to leave
    });
    const settle = () => {
      if (this.#result.redrawn && this.#stage.view === "photo") this.#settle();
    };
    this.#stage.onphoto = settle;
    let drawn = 0;
    this.#result.onredrawn = () => {
      clearTimeout(drawn);
      drawn = setTimeout(settle, REST_MS);
    };
    this.#result.onmoved = (moved) => this.#options.place(moved);
    this.#options.onchange = ({ min_score: score }) => {
      this.#note();
      if (score !== this.#score) {
        this.#searchAgain(score);
      } else if (this.#album.now?.wanted) {
        this.#stage.view = "cutout"; // that is what changes
        this.#cut();
      }
    };
  }

  /**
   * Add what the functions read to the photos, and turn to the first of them.
   * @type {import("./photo/sources.js").Take}
   */
  add(...reads) {
    this.#notice.clear();
    this.#lost = [];
    this.#reading = this.#read(reads, this.#reading);
  }

  /**
   * Put the photos that the functions read in the place of the one that is shown.
   * @type {import("./photo/sources.js").Take}
   */
  replace(...reads) {
    this.#notice.clear();
    this.#reading = this.#read(reads, this.#reading, this.#album.now);
  }

  /**
   * @param {Parameters<import("./photo/sources.js").Take>} reads
   * @param {Promise<void> | null} before the reading of earlier photos
   * @param {Entry | null} [instead] goes when there is another
   */
  async #read(reads, before, instead = null) {
    await before?.catch(() => {}); // its own caller handles it
    const { photos, problems } = await readAll(reads);
    const added = photos.map((photo) => new Entry(photo, this.#how));
    if (added.length) {
      const { entries } = this.#album;
      const place = instead ? entries.indexOf(instead) + 1 : 0;
      entries.splice(place || entries.length, 0, ...added);
      this.#url.setCustomValidity("");
      this.#stage.open = true;
      this.#turnTo(added[0]);
      if (place && instead) this.#remove(instead);
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
    const { now } = this.#album;
    const chosen = !names.length && now.wanted?.ids; // by clicks: they are cut out, or about to be
    if (!chosen) for (const entry of this.#album.entries) entry.want({ names });
    this.#note();
    this.#stage.view = "cutout";
    if (!(await this.#cut()) && !this.#running && this.#result.empty) this.#stage.view = "photo";
  }

  /** Learn which names there are, and the person's words for them. @param {import("./form/suggest.js").Known} known */
  named(known) {
    this.#names.known = known;
    this.#shown.name();
  }

  /** Another model is asked from now on: it finds other objects. */
  modelChosen() {
    this.#stop();
    this.#notice.clear();
    this.#names.mark(null);
    for (const entry of this.#album.entries) entry.forget();
    this.#steps.clear();
    const { now } = this.#album;
    if (!now) return;
    this.#steps.turnTo(now);
    this.#noted = this.#chosen;
    if (!now.wanted) this.#stage.view = "photo";
    this.#result.clear();
    this.#shown.show(now);
    if (now.wanted) this.#cut();
  }

  // The photo that is shown -----------------------------------------------------------------------------------------

  /** Show an entry, and go on with it where it was left; without one, the start of the page. @param {Entry | null} entry */
  #turnTo(entry) {
    if (entry === this.#album.now) return;
    this.#stop();
    this.#notice.clear();
    this.#album.now = entry;
    this.#result.clear();
    if (entry) this.#steps.turnTo(entry);
    this.#noted = this.#chosen;
    if (!entry) {
      this.#shown.clear();
      this.#stage.open = false;
      return;
    }
    if (!entry.wanted) this.#stage.view = "photo";
    if (!entry.photo.url) this.#url.value = "";
    this.#strip.show(this.#album.entries, entry);
    this.#names.present = labelsOf(entry);
    this.#shown.show(entry);
    if (entry.wanted) this.#cut();
  }

  /** Take a photo away. @param {Entry} entry */
  #remove(entry) {
    this.#turnTo(this.#album.remove(entry));
    if (entry.photo.shown) this.#result.forget(entry.photo.shown);
    this.#strip.show(this.#album.entries, this.#album.now);
  }

  /** Show the state of an entry in the strip and, when it is shown, in the line below it. @param {Entry} entry */
  #changed(entry) {
    const { photo, problem, detected } = entry;
    if (photo.url && problem && !detected && LOST.has(problem.code)) return this.#lose(entry, problem);
    this.#strip.update(entry);
    if (entry !== this.#album.now) return;
    this.#names.present = labelsOf(entry);
    this.#notice.wait(entry.wait?.error ? entry.wait : null);
    this.#shown.update();
  }

  /** Take away an address that leads to no photo, and tell why in a line. @param {Entry} entry @param {ApiError} problem */
  #lose(entry, problem) {
    if (!this.#album.entries.includes(entry)) return;
    this.#remove(entry);
    this.#lost.push(`${entry.photo.name}: ${wordsFor(problem)}`);
    this.#notice.show(this.#lost.join("\n"));
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
    const { now } = this.#album;
    now?.want(taken.size ? { ids: taken } : null);
    this.#note();
    if (taken.size) {
      if (taken.size === now?.detected?.objects.length) this.#stage.view = "cutout"; // nothing is left to choose
      this.#result.outdate(); // what is shown stays until the preview replaces it: nothing jumps
      this.#preview();
      this.#settling = setTimeout(() => this.#cut(), SETTLE_MS);
    } else {
      this.#stage.view = "photo";
      this.#result.clear();
    }
  }

  /** Take what is in a box. @param {number[]} box px of the photo */
  async #box(box) {
    const entry = this.#album.now;
    if (!entry) return;
    this.#notice.clear();
    try {
      const id = await entry.findIn(box);
      if (entry !== this.#album.now) return;
      if (id === null) {
        this.#notice.show(t("error.object_not_found.nothing_in_box"), "", [
          { text: t("boxing.start"), choose: this.#offers.box },
        ]);
        return;
      }
      await this.#shown.extend();
      const taken = new Set([...entry.taken, id]);
      this.#shown.taken = taken;
      this.#take(taken);
    } catch (error) {
      if (isAbort(error) || entry !== this.#album.now) return;
      if (!(error instanceof ApiError)) throw error;
      this.#notice.tell(error, { ...this.#offers, retry: () => this.#box(box) });
    }
  }

  /** Find objects of another least score in every photo. @param {Fields[string]} score */
  async #searchAgain(score) {
    this.#stop();
    this.#score = score;
    for (const entry of this.#album.entries) entry.unfind();
    const { now } = this.#album;
    await this.#shown.searchAgain();
    if (!now || now !== this.#album.now || score !== this.#score) return;
    this.#noted = this.#chosen; // what is no longer found is no longer wanted
    this.#resume(now);
  }

  /** Show what is wanted of the photo that is shown, now that it is something else. @param {Entry} now */
  #resume(now) {
    this.#shown.taken = now.taken;
    this.#stage.view = now.wanted ? "cutout" : "photo";
    if (now.wanted) this.#cut();
    else this.#result.clear();
  }

  /** Show what is taken as the page itself can draw it. */
  async #preview() {
    const { objects } = this.#shown;
    const bitmap = await objects.preview(this.#options.values.invert);
    if (bitmap && objects.photo) await this.#result.preview(bitmap, objects.photo);
    else bitmap?.close();
  }

  // What a person chose, to be undone ---------------------------------------------------------------------------------

  /** @returns {Choice} what is chosen for the photo that is shown */
  get #chosen() {
    return { wanted: this.#album.now?.wanted ?? null, settings: this.#options.settings };
  }

  /** Note another choice as a step. */
  #note() {
    const [before, after] = [this.#noted, this.#chosen];
    this.#noted = after;
    if (this.#album.now && !isSame(before, after)) {
      this.#step = { undo: () => this.#choose(before), redo: () => this.#choose(after) };
      this.#steps.add(this.#step);
    }
  }

  /** Go back to a choice. @param {Choice} choice */
  #choose(choice) {
    const { now } = this.#album;
    if (!now) return;
    this.#stop();
    this.#notice.clear();
    this.#noted = choice;
    this.#options.settings = choice.settings;
    this.#names.names = choice.wanted?.names ?? [];
    now.want(choice.wanted);
    const { min_score: score } = this.#options.values;
    if (score === this.#score) this.#resume(now);
    else this.#searchAgain(score);
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
      if (!entry.answered) return this.#cut(); // with what the page can show of it, it asks for something else
      this.#shown.taken = entry.taken; // as the server understood the names
      await this.#result.show(entry, result, fields, this.#shown.objects.photo, own.signal);
      this.#stage.fresh = this.#stage.view === "photo";
      this.#whole = !fields.invert && isWhole(result.fields);
      this.#settle();
      return true;
    } catch (error) {
      if (own.signal.aborted) return false;
      if (error instanceof Error && error.name === UNREADABLE) return this.#cut(); // by the server: it reads more kinds
      if (error instanceof Error && error.name === NO_ROOM) {
        this.#notice.show(t("cutout.no-room"));
        return false;
      }
      if (!(error instanceof ApiError)) throw error;
      this.#result.tell("");
      if (entry && NOT_THERE.has(error.code) && entry.retreat()) {
        this.#steps.drop(this.#step);
        this.#noted = this.#chosen;
        this.#shown.taken = entry.taken;
        await this.#cut(); // shows what is there already
      } else this.#result.clear();
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

  /** Outline what the cut-out keeps, with what was drawn on it. */
  async #settle() {
    const { now } = this.#album;
    const blob = this.#whole ? await this.#result.kept() : null;
    if (blob && now === this.#album.now && !this.#result.empty) this.#shown.objects.settle(blob);
  }

  /** What the file of an entry's cut-out is called. */
  #naming = (/** @type {Entry} */ entry) => ({
    stem: entry.photo.stem,
    names: entry.found,
    number: this.#album.entries.indexOf(entry) + 1,
    pattern: this.#options.pattern,
  });

  /** What entries need of the page. */
  #how = {
    fieldsOf: (/** @type {Entry} */ entry) => ({ ...choiceOf(entry), ...modelFields(), ...this.#options.fields }),
    search: () => /** @type {Fields} */ (this.#score === undefined ? {} : { min_score: this.#score }),
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
      entry.taken = new Set(objects.filter(({ label }) => label && means(label)).map(({ id }) => id));
      if (entry !== this.#album.now) return;
      this.#shown.taken = entry.taken;
      this.#outlined();
    } catch (error) {
      ignoreHandled(error); // the cut tells it
    }
  }

  /** Give up the cut that is under way. */
  #stop() {
    clearTimeout(this.#settling);
    this.#stage.fresh = false;
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
    box: () => {
      this.#stage.view = "photo";
      this.#shown.box();
    },
    replace: (/** @type {string} */ wrong, /** @type {string} */ right) => {
      this.#names.replace(wrong, right);
      this.#button.focus();
      this.cutOut();
    },
    only: (/** @type {string} */ name) => {
      this.#names.names = [name];
      this.#button.focus();
      this.#album.now?.want({ names: [name] }); // the other photos may well show what this one does not
      this.#note();
      this.#cut();
    },
  };

  /** Save every photo's cut-out as one ZIP; called again, stop. */
  #saveAll() {
    if (this.#saving.running) return this.#saving.stop();
    const isNew = !this.#album.now?.wanted;
    this.#saving.run(this.#names.names);
    this.#note();
    if (isNew) this.#cut(); // show what is made
  }
}

/** @param {Choice} one @param {Choice} other */
function isSame(one, other) {
  const written = (/** @type {Choice} */ { wanted, settings }) =>
    JSON.stringify([wanted && [wanted.names, wanted.ids && [...wanted.ids]], settings.states]);
  return written(one) === written(other) && one.settings.picture === other.settings.picture;
}

/**
 * Return the fields that say which objects are cut out.
 * @param {Entry} entry
 * @returns {Fields}
 */
function choiceOf({ wanted, boxes }) {
  if (!wanted?.ids) return wanted?.names.length ? { objects: wanted.names } : {};
  const pick = [...wanted.ids].filter((id) => !boxes.has(id));
  const box = [...wanted.ids].flatMap((id) => boxes.get(id)?.box ?? []);
  return { ...(pick.length && { pick }), ...(box.length && { box }) };
}

/** Return the classes of what was found in the photo. @param {Entry} entry */
function labelsOf({ detected }) {
  return new Set(detected?.objects.flatMap(({ label }) => label ?? []));
}
