/** The photo that is shown: itself, the objects found in it, their list, and the line that tells of the search. */

import { markUnreadable } from "../compose/fields.js";
import { byId, find } from "../elements.js";
import { Boxing } from "../objects/boxing.js";
import { UNREADABLE } from "../objects/found.js";
import { ObjectsList } from "../objects/list.js";
import { ShownObjects } from "../objects/shown.js";
import { PhotoView } from "../photo/view.js";
import { ApiError, isAbort } from "../server/api.js";
import { t } from "../words/translate.js";

/** @typedef {import("./entry.js").Entry} Entry */

export class ShownPhoto {
  objects = new ShownObjects(find(byId("photo"), ".canvas", HTMLElement));
  /** @type {(taken: Set<number>) => void} called with ids when a person takes or leaves an object */
  onchange = () => {};
  /** @type {(box: number[]) => void} called with px of the photo when a person drew a box on it */
  onboxed = () => {};
  /** @type {() => void} called when the objects are outlined */
  onoutlined = () => {};
  /** @type {(error: ApiError, retry: () => void) => void} called when the search failed */
  onfailed = () => {};
  /** Called when the search is over, whatever came of it. */
  onlooked = () => {};
  /** @type {Promise<void> | null} the search for the objects */
  looked = null;

  #boxing = new Boxing(this.objects.layer, byId("box"));
  #list = new ObjectsList(byId("listed"));
  #view = new PhotoView(byId("photo"), byId("source"));
  #line = byId("found");
  /** @type {Entry | null} */
  #entry = null;
  #unseen = false; // whether it is known that this browser cannot draw the photo's objects itself

  constructor() {
    for (const choice of [this.objects, this.#list]) {
      choice.onchange = (taken) => {
        this.taken = taken;
        this.onchange(taken);
      };
    }
    this.#boxing.ondrawn = (shares) => {
      const { photo } = this.objects;
      if (photo) this.onboxed(shares.map((share, side) => Math.round(share * (side % 2 ? photo.height : photo.width))));
    };
  }

  /** Let a person draw a box. */
  box() {
    this.#boxing.active = true;
  }

  /** Show which objects are taken. Does not call `onchange`. */
  set taken(/** @type {Set<number>} */ ids) {
    this.objects.taken = ids;
    this.#list.taken = ids;
    this.update();
  }

  /** Write the objects' names again: the person's words for them may be known later than the objects. */
  name() {
    this.objects.name();
    this.#enlist();
  }

  /** Show what was found in the photo that is shown: there is more of it than before. */
  async extend() {
    this.#enlist();
    const { detected, taken } = this.#entry ?? {};
    if (detected && taken) await this.objects.reopen(detected, taken).catch(() => this.#seeNothing());
  }

  /** Find the objects of the photo that is shown again. Resolves when the search is over, whatever came of it. */
  async searchAgain() {
    if (this.#entry) this.#look(this.#entry);
    await this.looked;
  }

  /** Show an entry's photo, and find its objects. @param {Entry} entry */
  show(entry) {
    this.#entry = entry;
    this.#unseen = false;
    this.objects.clear();
    this.#boxing.close();
    this.#enlist();
    this.update();
    this.#view.show(entry.photo);
    this.#look(entry);
  }

  /** Show no photo. */
  clear() {
    this.#entry = null;
    this.objects.clear();
    this.#enlist();
  }

  /** Write the line below the photo. */
  update() {
    if (!this.#entry) return;
    this.#line.textContent = stateOf(this.#entry, this.#unseen);
    byId("box").style.visibility = this.objects.photo ? "" : "hidden"; // its room is kept
  }

  #enlist() {
    this.#list.show(this.#entry?.detected?.objects ?? []);
    this.#list.taken = this.#entry?.taken ?? new Set();
  }

  /** @param {Entry} entry */
  #look(entry) {
    this.looked = this.#outline(entry);
  }

  /** Find the photo's objects, and outline them where this browser can show the photo. @param {Entry} entry */
  async #outline(entry) {
    const chosen = entry.photo;
    const left = () => this.#entry !== entry;
    try {
      const finding = entry.find();
      finding.then(() => left() || this.#enlist()).catch(() => {}); // a failure is told below
      await entry.prepare();
      if (left()) return;
      if (entry.photo !== chosen) this.#view.show(entry.photo);
      const { shown } = entry.photo;
      await (shown ? this.objects.open(shown, finding, () => entry.taken) : finding); // decoded while the server looks
      if (left()) return;
      this.update();
      if (shown) this.onoutlined();
      else this.#seeNothing();
    } catch (error) {
      if (left() || isAbort(error)) return;
      if (error instanceof ApiError) {
        this.#view.giveUp();
        this.onfailed(error, () => this.#look(entry));
        return;
      }
      this.#seeNothing();
      const { shown } = entry.photo;
      const expected = error instanceof Error && error.name === UNREADABLE;
      if (expected && shown) markUnreadable(shown);
      if (!expected) console.warn(error); // all but the outlines works without the worker
    } finally {
      this.onlooked();
    }
  }

  /** The photo's objects cannot be drawn here. */
  #seeNothing() {
    this.#unseen = true;
    this.#view.giveUp();
    this.update();
  }
}

/** Return the line below the photo. @param {Entry} entry @param {boolean} unseen */
function stateOf({ wait, sent, looking, detected, taken }, unseen) {
  if (wait?.others) return t("found.queue", { count: wait.others });
  if (looking) return sent === null ? t("found.looking") : t("found.uploading", { percent: Math.round(sent * 100) });
  if (!detected) return "";
  const count = detected.objects.length;
  if (!count) return t("found.nothing");
  if (taken.size && !unseen) return t("found.taken", { count, taken: taken.size });
  return t(unseen ? "found.unseen" : "found.hint", { count });
}
