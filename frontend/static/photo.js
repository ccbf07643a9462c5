/**
 * The photo that is to be cut: chosen, dropped or named by its address.
 * Owns the checks that need no server. A photo behind an address is fetched by the server alone: this page sends
 * nothing to other hosts, so it cannot show that photo.
 */

import { limits } from "./api.js";
import { showOnly } from "./show.js";
import { language, t } from "./text.js";

/** A photo that cannot be used, said in words for the person who chose it. */
export class PhotoProblem extends Error {}

/**
 * @param {File} file
 * @returns {Promise<{blob: Blob, name: string, stem: string}>}
 */
export async function fromFile(file) {
  if (file.type && !file.type.startsWith("image/")) {
    throw new PhotoProblem(t("source.no-photo", { name: file.name }));
  }
  if (file.size > limits.max_body_bytes) {
    const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    const size = (file.size / 1e6).toLocaleString(language, tenths);
    throw new PhotoProblem(t("source.too-large", { name: file.name, size, most: limits.max_body_bytes / 1e6 }));
  }
  let bytes;
  try {
    bytes = await file.arrayBuffer(); // a copy: the file may change or vanish before it is sent
  } catch {
    throw new PhotoProblem(t("source.unreadable", { name: file.name }));
  }
  if (!bytes.byteLength) throw new PhotoProblem(t("source.empty", { name: file.name }));
  return { blob: new Blob([bytes], { type: file.type }), name: file.name, stem: stem(file.name) };
}

/** @returns {{url: string, name: string, stem: string}} */
export function fromAddress(text) {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = parsed(address);
  if (!url || !/^https?:$/.test(url.protocol) || /\s/.test(text.trim()) || !/[.:]|^localhost$/.test(url.hostname)) {
    throw new PhotoProblem(t("source.no-address"));
  }
  return { url: url.href, name: url.host + url.pathname, stem: stem(decoded(url.pathname.split("/").pop())) };
}

/**
 * Take photos from the file field, the address field and from whatever is dropped on the page.
 * An address that cannot be one stays in its field, as that field's `validationMessage`.
 */
export function listen({ file, url, take }) {
  file.addEventListener("change", () => {
    const chosen = [...file.files];
    file.value = ""; // so that the same file can be chosen again after it was changed
    if (chosen.length) take(...chosen.map((each) => () => fromFile(each)));
  });
  url.addEventListener("input", () => url.setCustomValidity(""));
  url.addEventListener("change", () => {
    const text = url.value.trim();
    if (!text) return;
    try {
      const photo = fromAddress(text);
      take(() => photo);
    } catch (problem) {
      url.setCustomValidity(problem.message);
    }
  });

  let ownDrag = false; // a picture of the page itself that is dragged about is no new photo
  document.addEventListener("dragstart", () => (ownDrag = true));
  document.addEventListener("dragend", () => (ownDrag = false));
  const carriesPhoto = (event) =>
    !ownDrag && event.dataTransfer.types.some((type) => type === "Files" || type === "text/uri-list");
  document.addEventListener("dragover", (event) => {
    if (!carriesPhoto(event)) return;
    event.preventDefault(); // without it the browser leaves the page for the dropped file
    document.body.toggleAttribute("data-dragging", true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.removeAttribute("data-dragging");
  });
  document.addEventListener("drop", (event) => {
    document.body.removeAttribute("data-dragging");
    if (!carriesPhoto(event)) return;
    event.preventDefault();
    const dropped = [...event.dataTransfer.files];
    const address = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    if (dropped.length) take(...dropped.map((each) => () => fromFile(each)));
    else if (address) take(() => fromAddress(address));
  });
}

/** Shows the chosen photo, large in its pane and small beside the file button. */
export class PhotoView {
  #large;
  #source;
  #shown = null;

  constructor(pane, source) {
    this.#large = pane;
    this.#source = source;
  }

  async show(photo) {
    this.#large.ariaBusy = "true"; // what is said below the photo waits until it has its place
    if (this.#shown) URL.revokeObjectURL(this.#shown);
    this.#shown = photo.shown ? URL.createObjectURL(photo.shown) : null;
    this.#source.toggleAttribute("data-chosen", true);
    const name = this.#source.querySelector(".file-name");
    name.hidden = false;
    name.textContent = photo.name;
    name.title = photo.name;
    this.#source.querySelector("#file-label").textContent = t("source.another");
    this.#large.querySelector(".meta").textContent = "";

    const address = this.#shown;
    const seen = address !== null && (await canShow(address));
    if (address !== this.#shown) return; // another photo was chosen meanwhile
    const image = this.#large.querySelector("img");
    if (seen) {
      image.src = address;
      image.alt = t("source.alt", { name: photo.name });
      this.#large.querySelector(".meta").textContent = `${seen.width} × ${seen.height} px`;
      this.#source.querySelector(".thumb img").src = address;
    }
    this.#large.querySelector(".blank").textContent = t(photo.url ? "source.fetched" : "source.unseen");
    showOnly(this.#large.querySelector(".canvas"), seen ? "picture" : "unseen");
    showOnly(this.#source.querySelector(".thumb"), seen ? "picture" : "none");
    this.#large.ariaBusy = null;
  }
}

async function canShow(address) {
  const probe = new Image();
  probe.src = address;
  try {
    await probe.decode();
    return { width: probe.naturalWidth, height: probe.naturalHeight };
  } catch {
    return null; // HEIC and TIFF in most browsers, or no picture at all
  }
}

function stem(fileName) {
  return fileName.replace(/\.[^.]*$/, "") || "photo";
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
