/** The cut-out: shown on a checkerboard, and given to the person as a file. */

import { showOnly } from "./show.js";

export class CutoutView {
  #pane;
  #canvas;
  #image;
  #meta;
  #download;
  #shown = null;

  constructor(pane) {
    this.#pane = pane;
    this.#canvas = pane.querySelector(".canvas");
    this.#image = this.#canvas.querySelector("img");
    this.#meta = pane.querySelector(".meta");
    this.#download = pane.querySelector("#download");
  }

  get empty() {
    return this.#shown === null;
  }

  set busy(busy) {
    this.#pane.setAttribute("aria-busy", String(busy));
    this.#canvas.querySelector(".blank").textContent = busy ? "Cutting out …" : "The cut-out appears here.";
  }

  clear() {
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = null;
    this.#meta.textContent = "";
    this.#download.hidden = true;
    this.#image.removeAttribute("src");
    showOnly(this.#canvas, "waiting");
  }

  /** @returns {Promise<string>} what is shown now, in words; rejects when `signal` aborts first. */
  async show({ blob, count }, names, stem, signal) {
    const address = URL.createObjectURL(blob);
    const next = new Image();
    next.src = address;
    await next.decode(); // no flash of an empty frame
    if (signal.aborted) URL.revokeObjectURL(address);
    signal.throwIfAborted();
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = address;
    this.#image.src = address;
    this.#image.alt = `Cut-out of ${names.join(", ") || "every object"}`;
    this.#image.dataset.fresh = "";
    this.#download.href = address;
    this.#download.download = fileName(stem, names);
    this.#download.hidden = false;
    const told = count === 1 ? "1 object" : `${count} objects`;
    this.#meta.textContent = told;
    showOnly(this.#canvas, "picture");
    return told;
  }

  scrollTo() {
    this.#pane.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
}

/** "Photo 1" and ["potted plant"] make "Photo 1-potted-plant.png". */
function fileName(stem, names) {
  const cut = names.join("-").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60);
  return `${stem.slice(0, 80)}-${cut || "cut-out"}.png`;
}
