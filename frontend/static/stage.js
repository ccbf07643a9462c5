/** Which of photo and cut-out the stage shows where it has no room for both, and the buttons that turn to the other. */

import { byId, find } from "./elements.js";

/** @typedef {"photo" | "cutout"} View the id of what is shown */

export class Stage {
  /** Called when it turns to the photo. */
  onphoto = () => {};

  #root = byId("stage");
  /** @type {NodeListOf<HTMLElement>} */
  #buttons = byId("views").querySelectorAll("button");

  constructor() {
    byId("views").addEventListener("click", ({ target }) => {
      const view = target instanceof HTMLElement ? target.dataset.view : undefined;
      if (view) this.view = /** @type {View} */ (view);
    });
  }

  /** @returns {View} */
  get view() {
    return this.#root.dataset.view === "cutout" ? "cutout" : "photo";
  }

  set view(view) {
    this.#root.dataset.view = view;
    for (const button of this.#buttons) button.ariaPressed = String(button.dataset.view === view);
    if (view === "cutout") this.fresh = false;
    else this.onphoto();
  }

  /** Whether there is a cut-out that has not been looked at: its button shows it. */
  set fresh(/** @type {boolean} */ fresh) {
    find(byId("views"), "[data-view=cutout]", HTMLElement).toggleAttribute("data-fresh", fresh);
  }

  /** Whether there are photos: the page is an editor then, else its start. */
  set open(/** @type {boolean} */ open) {
    if (open === document.body.hasAttribute("data-editing")) return;
    document.body.toggleAttribute("data-editing", open);
    find(document.head, 'link[href="editor.css"]', HTMLLinkElement).media = open ? "all" : "not all";
    scrollTo(0, 0);
    this.#settle(() => {
      // What had the focus is gone, or moved: the next Tab begins with the photo, or with the choice of one.
      if (open) this.#root.focus({ preventScroll: true });
      else byId("file").focus({ preventScroll: true });
    });
  }

  /** Hide everything for the frame in which it finds its place, so that nobody sees it move. @param {() => void} then */
  #settle(then) {
    const all = byId("studio");
    all.style.visibility = "hidden";
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        all.style.visibility = "";
        then();
      }),
    );
  }
}
