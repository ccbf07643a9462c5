/**
 * Where photos are worked on: they go to the server, their objects come back, what is taken of them is cut out. Wires
 * the parts for it. Loaded when there is a photo, or soon will be.
 */

import { Album, pass } from "./album.js";
import { ApiError } from "./api.js";
import { CodePanel } from "./code.js";
import { CutoutView } from "./cutout.js";
import { Entry } from "./entry.js";
import { wordsFor } from "./errors.js";
import { FoundObjects, UnreadablePhoto } from "./found.js";
import { ObjectsView } from "./objects.js";
import { download } from "./output.js";
import { PhotoProblem, PhotoView } from "./photo.js";
import { Strip } from "./strip.js";
import { t } from "./text.js";
import { upright } from "./upright.js";

const SETTLE_MS = 350; // after a click on an object, before the server is asked: the next click may follow

const at = (id) => document.getElementById(id);

export class Studio {
  #names;
  #notice;
  #options;
  #button = at("cut");
  #status = at("status");
  #photoView = new PhotoView(at("photo"), at("source"));
  #objectsView = new ObjectsView(at("photo").querySelector(".canvas"));
  #cutoutView = new CutoutView(at("cutout"));
  #strip = new Strip(at("strip"));
  #code = new CodePanel(at("code"));
  #found = new FoundObjects();
  #album = new Album();
  #taking = null; // the reading of photos
  #looked = null; // the search for the objects of what is shown
  #previewable = false; // whether this browser can draw the photo's objects itself
  #unseen = false; // and whether it is known that it cannot
  #running = null; // the cut that is under way for what is shown
  #saving = null; // the file of all cut-outs that is being made
  #settling = 0;

  /**
   * @param {object} parts of the page that are there before a photo is
   * @param {import("./names.js").NamesField} parts.names
   * @param {import("./notice.js").Notice} parts.notice
   * @param {import("./options.js").Options} parts.options
   */
  constructor({ names, notice, options }) {
    this.#names = names;
    this.#notice = notice;
    this.#options = options;
    this.#objectsView.onchange = (taken) => this.#take(taken);
    this.#cutoutView.onproblem = (problem) => {
      this.#notice.show(problem.name === "NotAllowedError" ? t("cutout.refused") : wordsFor(problem));
    };
    this.#strip.onturn = (entry) => this.#turnTo(entry);
    this.#strip.onremove = (entry) => this.#remove(entry);
    this.#strip.onzip = () => this.#saveAll();
    options.onchange = () => {
      if (this.#album.now?.wanted) this.#cut();
    };
  }

  /** Add what the functions read to the photos, and turn to the first of them. @type {import("./sources.js").Take} */
  add(...reads) {
    this.#notice.clear();
    const before = this.#taking;
    this.#taking = (async () => {
      await before?.catch(() => {}); // its own caller hears of it
      const told = [];
      const added = [];
      for (const read of reads) {
        try {
          const photo = await read();
          const shown = photo.blob && (await upright(photo.blob));
          added.push(new Entry({ ...photo, shown }, this.#how));
        } catch (problem) {
          told.push(problem instanceof PhotoProblem ? problem.message : wordsFor(problem));
        }
      }
      if (added.length) {
        this.#album.entries.push(...added);
        at("url").setCustomValidity("");
        this.#turnTo(added[0]);
      }
      if (told.length) this.#notice.show(told.join("\n"));
    })();
  }

  /** Cut what is named out of every photo; without names everything that was found. */
  async cutOut() {
    const names = this.#names.names;
    await this.#taking;
    const url = at("url");
    if (url.validationMessage || !this.#album.now) {
      this.#notice.show(url.validationMessage || t("source.missing"));
      (url.validationMessage ? url : at("file")).focus();
      return;
    }
    for (const entry of this.#album.entries) entry.want({ names });
    if (await this.#cut()) this.#cutoutView.scrollTo();
  }

  /** What the objects are called has become known. */
  named() {
    this.#objectsView.name();
  }

  // The photo that is shown -----------------------------------------------------------------------------------------

  /** Show an entry, and go on with it where it was left. */
  #turnTo(entry) {
    if (entry === this.#album.now) return;
    this.#stop();
    this.#notice.clear();
    this.#album.now = entry;
    this.#previewable = this.#unseen = false;
    this.#objectsView.clear();
    this.#found.close();
    this.#cutoutView.clear();
    at("from-code").hidden = true;
    if (!entry.photo.url) at("url").value = "";
    at("stage").removeAttribute("data-empty");
    this.#strip.show(this.#album.entries, entry);
    this.#photoView.show(entry.photo);
    this.#looked = this.#look();
    if (entry.wanted) this.#cut();
  }

  /** Take a photo away. There is always another: a single one has no place in the strip. */
  #remove(entry) {
    this.#turnTo(this.#album.remove(entry));
    this.#cutoutView.forget(entry.photo.shown);
    this.#strip.show(this.#album.entries, this.#album.now);
  }

  /** Find the photo's objects, and outline them where this browser can show the photo. */
  async #look() {
    const entry = this.#album.now;
    const { shown } = entry.photo;
    const left = () => this.#album.now !== entry;
    try {
      const finding = entry.find();
      const outlines = await (shown ? this.#found.open(shown, finding) : finding); // decoded while the server looks
      if (left()) return;
      if (!shown) return this.#seeNothing(entry);
      this.#previewable = true;
      this.#objectsView.show(entry.detected, outlines, entry.taken);
      if (entry.taken.size && this.#cutoutView.empty) this.#preview();
    } catch (error) {
      if (left() || error.name === "AbortError") return;
      if (!(error instanceof ApiError)) {
        this.#seeNothing(entry);
        if (!(error instanceof UnreadablePhoto)) console.warn(error); // all but the outlines works without the worker
        return;
      }
      const retry = () => (this.#looked = this.#look());
      if (!entry.wanted) this.#notice.tell(error, { ...this.#offers, retry }); // else the cut tells it
    } finally {
      this.#album.takeTurns();
    }
  }

  /** The photo's objects cannot be drawn here. */
  #seeNothing(entry) {
    this.#unseen = true;
    this.#changed(entry);
  }

  /** Something of an entry did change: its place in the strip tells it, and, when it is shown, the line below it. */
  #changed(entry) {
    this.#strip.update(entry);
    if (entry !== this.#album.now) return;
    this.#notice.wait(entry.wait?.error ? entry.wait : null);
    at("found").textContent = stateOf(entry, this.#unseen);
  }

  /** Other objects are taken. */
  #take(taken) {
    this.#stop();
    this.#names.names = []; // from now on it is these objects, whatever they are called
    this.#notice.clear();
    this.#album.now.want(taken.size ? { ids: taken } : null);
    if (!taken.size) {
      this.#cutoutView.clear();
      at("from-code").hidden = true;
      return;
    }
    this.#cutoutView.outdate(); // what is shown stays until the preview replaces it: nothing jumps
    this.#preview();
    this.#settling = setTimeout(() => this.#cut(), SETTLE_MS);
  }

  /** Draw what is taken from the masks that the page has already. */
  async #preview() {
    if (!this.#previewable) return;
    const { invert } = this.#options.values;
    const bitmap = await this.#found.preview(this.#objectsView.taken, { invert }).catch(() => null);
    // The final picture may have been faster.
    if (!bitmap) return;
    if (this.#cutoutView.empty) await this.#cutoutView.preview(bitmap, this.#seen());
    else bitmap.close();
  }

  /** The photo as this browser can show it, with its upright size. */
  #seen() {
    if (!this.#previewable) return null;
    const { photo, detected } = this.#album.now;
    return { blob: photo.shown, width: detected.width, height: detected.height };
  }

  // Its cut-out -----------------------------------------------------------------------------------------------------

  /** Cut out what is wanted of the photo that is shown. @returns {Promise<boolean>} whether it is there */
  async #cut() {
    clearTimeout(this.#settling);
    this.#running?.abort();
    this.#notice.clear();
    this.#names.mark(null);
    const own = (this.#running = new AbortController());
    const { signal } = own;
    const entry = this.#album.now;
    const { fields } = entry;
    this.#showBusy(true);
    try {
      if (entry.wanted.names && !entry.taken.size) this.#mark(entry);
      const result = await entry.cut();
      signal.throwIfAborted();
      const told = await this.#show(entry, result, fields, signal);
      this.#code.show({ photo: entry.photo, fields });
      at("from-code").hidden = false;
      this.#status.textContent = t("page.ready", { told });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof ApiError)) throw error;
      this.#status.textContent = "";
      this.#cutoutView.clear();
      at("from-code").hidden = true;
      if (error.code === "unknown_object") this.#names.mark(error.details.name);
      this.#notice.tell(error, this.#offers);
      return false;
    } finally {
      if (this.#running === own) {
        this.#running = null;
        this.#showBusy(false);
      }
      this.#album.takeTurns();
    }
  }

  /** Show a finished cut-out. @returns {Promise<string>} how many objects are in it, in words */
  async #show(entry, result, fields, signal) {
    await this.#looked; // only then is it known whether the photo can be shown beside it
    signal.throwIfAborted();
    this.#objectsView.taken = entry.taken; // as the server understood the names
    const told = t("cutout.count", { count: result.count });
    const picture = {
      blob: result.blob,
      photo: this.#seen(),
      transparent: isTransparent(result),
      names: entry.names,
      stem: entry.photo.stem,
      told: t("cutout.told", { told, seconds: Number(result.seconds.toFixed(1)) }),
    };
    await this.#cutoutView.show(picture, signal);
    this.#cutoutView.fetchFile = () => entry.file(fields, new AbortController().signal);
    return told;
  }

  /** What entries need of the page. */
  #how = {
    fieldsOf: ({ wanted: { names, ids } }) => {
      return { ...(ids ? { pick: [...ids] } : names.length ? { objects: names } : {}), ...this.#options.fields };
    },
    changed: (entry) => this.#changed(entry),
  };

  /** The entry's objects that bear the wanted names, as far as this page knows them, are taken, and drawn at once. */
  async #mark(entry) {
    const { wanted } = entry;
    try {
      const { objects } = await entry.find();
      const means = this.#names.meaning(wanted.names);
      if (entry.wanted !== wanted || entry.taken.size || !means) return;
      entry.taken = new Set(objects.filter(({ label }) => means(label)).map(({ id }) => id));
      if (entry !== this.#album.now) return;
      this.#objectsView.taken = entry.taken;
      if (entry.taken.size && this.#cutoutView.empty) this.#preview();
    } catch (error) {
      pass(error); // the cut tells it
    }
  }

  /** Give up the cut that is under way. */
  #stop() {
    clearTimeout(this.#settling);
    if (!this.#running) return;
    this.#running.abort();
    this.#running = null;
    this.#status.textContent = "";
    this.#showBusy(false);
  }

  #showBusy(busy) {
    // Not `disabled`: a disabled button would lose the keyboard's focus.
    this.#button.setAttribute("aria-disabled", String(busy));
    at("cut-label").textContent = t(busy ? "page.cutting" : "page.cut");
    this.#cutoutView.busy = busy;
    if (busy) this.#status.textContent = t("page.cutting");
  }

  /** What a notice can offer to do. Its button vanishes and must not take the focus with it. */
  #offers = {
    retry: () => {
      this.#button.focus();
      if (this.#album.now?.wanted) this.#cut();
      else this.cutOut();
    },
    browse: () => this.#names.browse(),
    replace: (wrong, right) => {
      this.#names.replace(wrong, right);
      this.#button.focus();
      this.cutOut();
    },
    only: (name) => {
      this.#names.names = [name];
      this.#button.focus();
      this.#album.now.want({ names: [name] }); // the other photos may well show what this one does not
      this.#cut();
    },
  };

  // All of them -----------------------------------------------------------------------------------------------------

  /** Every photo's cut-out in one file; called again, it stops. */
  async #saveAll() {
    if (this.#saving) {
      this.#saving.abort();
      return;
    }
    const { signal } = (this.#saving = new AbortController());
    const fresh = !this.#album.now.wanted;
    this.#notice.clear();
    try {
      const tell = (progress) => (this.#strip.zipping = progress);
      const drawing = (photo) => this.#drawing(photo);
      const saving = this.#album.save(this.#names.names, { signal, tell, drawing });
      if (fresh) this.#cut(); // show what is made
      const { file, count, missing } = await saving;
      const told = count ? t("strip.zipped", { count }) : t("strip.none");
      this.#status.textContent = told;
      if (file) download(file, "cut-outs.zip");
      const lines = missing.map(({ name, error }) => `${name}: ${wordsFor(error)}`);
      if (lines.length) this.#notice.show([told, t("strip.left-out"), ...lines].join("\n"));
    } catch (error) {
      if (!signal.aborted) this.#notice.show(error instanceof RangeError ? t("strip.too-large") : wordsFor(error));
    } finally {
      this.#saving = this.#strip.zipping = null;
    }
  }

  /** What is drawn on a photo now: draws it on a cut-out, where that can be. */
  async #drawing({ shown }) {
    const draw = await this.#cutoutView.drawing(shown);
    return async (result) => (isTransparent(result) && !result.fields.crop ? draw(result.blob) : null);
  }
}

/** What the line below the photo says. */
function stateOf({ wait, sent, looking, detected }, unseen) {
  if (wait?.others) return t("found.queue", { count: wait.others });
  if (looking) return t(sent === null ? "found.looking" : "found.uploading", { percent: Math.round(sent * 100) });
  if (!detected) return "";
  const count = detected.objects.length;
  return count ? t(unseen ? "found.unseen" : "found.hint", { count }) : t("found.nothing");
}

/** Whether everything but the objects is transparent. */
function isTransparent({ blob, fields }) {
  return !fields.background && !fields.background_image && blob.type !== "image/jpeg";
}
