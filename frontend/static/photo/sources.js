/**
 * Where photos come from: the file field, the address field, a drop, the clipboard, the phone's camera, and samples
 * that the server offers.
 */

import { make } from "../elements.js";
import { address } from "../server/address.js";
import { TEXTS } from "../words/texts.js";
import { t } from "../words/translate.js";
import { fromAddress, fromFile, PhotoProblem } from "./photo.js";

const SAMPLE_MS = 60_000; // for a photo of some hundred kB

/** @typedef {import("./photo.js").Photo} Photo */

/**
 * What is done with a photo: called with a function that reads it, or several where several were given at once.
 * A function rejects with a PhotoProblem when its photo cannot be used.
 * @typedef {(...reads: (() => Promise<Photo> | Photo)[]) => void} Take
 */

/** @typedef {{name: string, title: string, url: string, thumbnail?: string}} Sample */

/**
 * Take photos from the file fields, the address field and from whatever is dropped on the page.
 * An address that cannot be one stays in its field, as that field's `validationMessage`.
 * @param {object} fields
 * @param {HTMLInputElement} fields.file
 * @param {HTMLInputElement} fields.replace a field for files as well
 * @param {HTMLInputElement} fields.url
 * @param {Take} fields.take
 * @param {Take} fields.swap is called for files that come in the place of the photo that is shown
 */
export function listen({ file, replace, url, take, swap }) {
  chosen(file, take);
  chosen(replace, swap);
  url.addEventListener("input", () => url.setCustomValidity(""));
  url.addEventListener("change", () => {
    const text = url.value.trim();
    if (!text) return;
    try {
      const photo = fromAddress(text);
      take(() => photo);
    } catch (problem) {
      if (!(problem instanceof PhotoProblem)) throw problem;
      url.setCustomValidity(problem.message);
    }
  });
  listenToDrops(take);
}

/**
 * Let a button show and hide the field for an address, where that is hidden at first.
 * @param {HTMLElement} button
 * @param {HTMLInputElement} url
 */
export function unfold(button, url) {
  button.addEventListener("click", () => {
    const open = button.ariaExpanded !== "true";
    button.ariaExpanded = String(open);
    if (open) url.focus();
  });
}

/** @param {HTMLInputElement} field @param {Take} take */
function chosen(field, take) {
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    field.value = ""; // so that the same file can be chosen again after it was changed
    if (files.length) take(...files.map((file) => () => fromFile(file)));
  });
}

/** @param {Take} take */
function listenToDrops(take) {
  let ownDrag = false; // of a picture of the page itself, which is no new photo
  document.addEventListener("dragstart", () => {
    ownDrag = true;
  });
  document.addEventListener("dragend", () => {
    ownDrag = false;
  });
  /** What an event's drag carries, where that may be a photo; else null. @param {DragEvent} event */
  const carried = ({ dataTransfer }) =>
    !ownDrag && dataTransfer?.types.some((type) => type === "Files" || type === "text/uri-list") ? dataTransfer : null;
  document.addEventListener("dragover", (event) => {
    if (!carried(event)) return;
    event.preventDefault(); // without it the browser leaves the page for the dropped file
    document.body.toggleAttribute("data-dragging", true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.removeAttribute("data-dragging");
  });
  document.addEventListener("drop", (event) => {
    document.body.removeAttribute("data-dragging");
    const data = carried(event);
    if (!data) return;
    event.preventDefault();
    const dropped = [...data.files];
    const address = data.getData("text/uri-list").split("\n")[0].trim();
    if (dropped.length) take(...dropped.map((each) => () => fromFile(each)));
    else if (address) take(() => fromAddress(address));
  });
}

/** Take pictures, or a web address, that are pasted anywhere but as text into a field. @param {Take} take */
export function paste(take) {
  document.addEventListener("paste", (event) => {
    const { clipboardData: data, target } = event;
    if (!data) return;
    const text = data.getData("text/plain").trim();
    if (text && target instanceof Element && target.matches(":read-write")) return; // it belongs into that field
    const pictures = [...data.files].filter(({ type }) => type.startsWith("image/"));
    if (pictures.length) take(...pictures.map((picture) => () => fromFile(picture)));
    else if (/^https?:\/\/\S+$/i.test(text)) take(() => fromAddress(text));
    else return;
    event.preventDefault();
  });
}

/**
 * Put a button into `container` that opens the camera, on devices that are used by touch.
 * @param {Element} container
 * @param {Take} take
 */
export function camera(container, take) {
  const label = make("label", { className: "button quiet small source-camera", textContent: t("source.camera") });
  const input = make("input", { type: "file", accept: "image/*", className: "visually-hidden" });
  input.setAttribute("capture", "environment");
  input.addEventListener("change", () => {
    const shot = input.files?.[0];
    input.value = ""; // so that the next shot counts as a change, even of the same name
    if (shot) take(() => fromFile(shot));
  });
  label.prepend(input);
  container.append(label);
  const touch = matchMedia("(pointer: coarse)");
  const fit = () => {
    label.hidden = !touch.matches;
  };
  touch.addEventListener("change", fit);
  fit();
}

/**
 * Fill `container` with the server's sample photos as buttons, if it has any.
 * @param {HTMLElement} container
 * @param {Take} take
 */
export async function samples(container, take) {
  const offered = await list();
  if (!offered.length) return;
  const row = make("div", { className: "samples", role: "group", ariaLabel: t("source.samples") });
  row.dataset.once = "";
  row.append(
    ...offered.map((sample) => {
      const button = make("button", { type: "button", className: "button quiet sample" });
      // Without a thumbnail none is shown: the file itself is as large as the whole page.
      if (sample.thumbnail) button.append(make("img", { src: address(sample.thumbnail), alt: "" }));
      button.append(titleOf(sample));
      button.addEventListener("click", () => take(() => fromSample(sample)));
      return button;
    }),
  );
  container.replaceChildren(make("span", { className: "hint", textContent: t("source.samples") }), row);
}

/** @returns {Promise<Sample[]>} none when the server cannot be asked */
async function list() {
  try {
    const reply = await fetch(address("samples"));
    return reply.ok ? await reply.json() : [];
  } catch {
    return [];
  }
}

/** What the sample shows, in the person's language where this page has words for it. @param {Sample} sample */
function titleOf({ name, title }) {
  const key = `source.sample.${name.replace(/\.\w+$/, "")}`;
  return key in TEXTS.en ? t(key) : title;
}

/** @param {Sample} sample */
async function fromSample({ name, url }) {
  try {
    const reply = await fetch(address(url), { signal: AbortSignal.timeout(SAMPLE_MS) });
    if (!reply.ok) throw new TypeError(`HTTP ${reply.status}`);
    const blob = await reply.blob();
    return await fromFile(new File([blob], name, { type: blob.type }));
  } catch (error) {
    throw error instanceof PhotoProblem ? error : new PhotoProblem(t("source.unreachable"));
  }
}
