/** The chosen photo in its pane, and its name beside the file buttons. */

import { find, showOnly } from "../elements.js";
import { t } from "../words/translate.js";

/**
 * @typedef {import("./photo.js").Photo & {shown?: Blob, shrunk?: boolean}} ShownPhoto shown: the upright picture, where
 *   there is one; shrunk: whether the file that was chosen was too large
 */

export class PhotoView {
  #pane;
  #source;
  /** @type {string | null} the address of what is shown */
  #shown = null;

  /** @param {HTMLElement} pane @param {HTMLElement} source the part of the form with the file buttons */
  constructor(pane, source) {
    this.#pane = pane;
    this.#source = source;
  }

  /** @param {ShownPhoto} photo */
  async show(photo) {
    this.#blank = t(photo.url ? "source.fetched" : "source.unseen");
    this.#pane.ariaBusy = "true"; // the line below the photo waits until the photo has its place
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = photo.shown ? URL.createObjectURL(photo.shown) : null;
    const name = find(this.#source, ".file-name", HTMLElement);
    name.textContent = photo.name;
    name.title = photo.name;
    find(this.#source, "#file", HTMLElement).ariaLabel = t("source.add");
    const meta = find(this.#pane, ".meta", HTMLElement);
    meta.textContent = "";

    const address = this.#shown;
    const size = address ? await sizeOf(address) : null;
    if (address !== this.#shown) return; // another photo was chosen meanwhile
    if (address && size) {
      const image = find(this.#pane, "img", HTMLImageElement);
      image.src = address;
      image.alt = t("source.alt", { name: photo.name });
      const px = `${size.width} × ${size.height} px`;
      meta.textContent = photo.shrunk ? t("source.shrunk", { px }) : px;
    }
    showOnly(find(this.#pane, ".canvas", Element), size ? "picture" : "unseen");
    this.#pane.ariaBusy = null;
  }

  /** Say that there will be no picture of the photo, where none is shown. */
  giveUp() {
    if (this.#shown) this.#blank = t("source.lost");
  }

  set #blank(/** @type {string} */ words) {
    find(this.#pane, ".blank", HTMLElement).textContent = words;
  }
}

/** Return the size of a picture that this browser can show; else null. @param {string} address */
async function sizeOf(address) {
  const probe = new Image();
  probe.src = address;
  try {
    await probe.decode();
    return { width: probe.naturalWidth, height: probe.naturalHeight };
  } catch {
    return null; // HEIC and TIFF in most browsers, until the server made a picture of it; or no picture at all
  }
}
