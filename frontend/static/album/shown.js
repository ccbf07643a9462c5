/** The photo that is shown: itself, the objects found in it, and the line below it that tells of the search. */

import { byId, find } from "../elements.js";
import { UNREADABLE } from "../objects/found.js";
import { ShownObjects } from "../objects/shown.js";
import { PhotoView } from "../photo/view.js";
import { ApiError, isAbort } from "../server/api.js";
import { t } from "../words/translate.js";

/** @typedef {import("./entry.js").Entry} Entry */

export class ShownPhoto {
  objects = new ShownObjects(find(byId("photo"), ".canvas", HTMLElement));
  /** @type {() => void} called when the objects are outlined */
  onoutlined = () => {};
  /** @type {(error: ApiError, retry: () => void) => void} called when the search failed */
  onfailed = () => {};
  /** Called when the search is over, whatever came of it. */
  onlooked = () => {};
  /** @type {Promise<void> | null} the search for the objects */
  looked = null;

  #view = new PhotoView(byId("photo"), byId("source"));
  #line = byId("found");
  /** @type {Entry | null} */
  #entry = null;
  #unseen = false; // whether it is known that this browser cannot draw the photo's objects itself

  /** Show an entry's photo, and find its objects. @param {Entry} entry */
  show(entry) {
    this.#entry = entry;
    this.#unseen = false;
    this.objects.clear();
    byId("stage").removeAttribute("data-empty");
    this.#view.show(entry.photo);
    this.#look(entry);
  }

  /** Write the line below the photo. */
  update() {
    if (this.#entry) this.#line.textContent = stateOf(this.#entry, this.#unseen);
  }

  /** @param {Entry} entry */
  #look(entry) {
    this.looked = this.#outline(entry);
  }

  /** Find the photo's objects, and outline them where this browser can show the photo. @param {Entry} entry */
  async #outline(entry) {
    const { shown } = entry.photo;
    const left = () => this.#entry !== entry;
    try {
      const finding = entry.find();
      await (shown ? this.objects.open(shown, finding, () => entry.taken) : finding); // decoded while the server looks
      if (left()) return;
      if (shown) this.onoutlined();
      else this.#seeNothing();
    } catch (error) {
      if (left() || isAbort(error)) return;
      if (error instanceof ApiError) {
        this.onfailed(error, () => this.#look(entry));
        return;
      }
      this.#seeNothing();
      const expected = error instanceof Error && error.name === UNREADABLE;
      if (!expected) console.warn(error); // all but the outlines works without the worker
    } finally {
      this.onlooked();
    }
  }

  /** The photo's objects cannot be drawn here. */
  #seeNothing() {
    this.#unseen = true;
    this.update();
  }
}

/** Return the line below the photo. @param {Entry} entry @param {boolean} unseen */
function stateOf({ wait, sent, looking, detected }, unseen) {
  if (wait?.others) return t("found.queue", { count: wait.others });
  if (looking) return sent === null ? t("found.looking") : t("found.uploading", { percent: Math.round(sent * 100) });
  if (!detected) return "";
  const count = detected.objects.length;
  return count ? t(unseen ? "found.unseen" : "found.hint", { count }) : t("found.nothing");
}
