/** More ways to a photo than photo.js has: the clipboard, the phone's camera, and samples that the server offers. */

import { PhotoProblem, fromAddress, fromFile } from "./photo.js";
import { address } from "./server.js";
import { t } from "./text.js";
import { TEXTS } from "./texts.js";

const SAMPLE_MS = 60_000; // for a photo of some hundred kB

/**
 * What is done with a photo: called with a function that reads it, or several where several were given at once.
 * A function rejects with a PhotoProblem when its photo cannot be used.
 * @typedef {(...reads: (() => Promise<object> | object)[]) => void} Take
 */

/** Take pictures, or a web address, that are pasted anywhere but as text into a field. @param {Take} take */
export function paste(take) {
  document.addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData("text/plain").trim();
    if (text && event.target.matches(":read-write")) return; // it belongs into that field
    const pictures = [...files].filter(({ type }) => type.startsWith("image/"));
    if (pictures.length) take(...pictures.map((picture) => () => fromFile(picture)));
    else if (/^https?:\/\/\S+$/i.test(text)) take(() => fromAddress(text));
    else return;
    event.preventDefault();
  });
}

/**
 * Put a button into `container` that opens the camera, on devices that are used by touch: others have none worth it.
 * @param {HTMLElement} container
 * @param {Take} take
 */
export function camera(container, take) {
  const label = element("label", { className: "button quiet small source-camera", textContent: t("source.camera") });
  const input = element("input", { type: "file", accept: "image/*", className: "visually-hidden" });
  input.setAttribute("capture", "environment");
  input.addEventListener("change", () => {
    const [shot] = input.files;
    input.value = ""; // so that the next shot counts as a change, even of the same name
    if (shot) take(() => fromFile(shot));
  });
  label.prepend(input);
  container.append(label);
  const touch = matchMedia("(pointer: coarse)");
  const fit = () => (label.hidden = !touch.matches);
  touch.addEventListener("change", fit);
  fit();
}

/**
 * Fill `container` with the server's sample photos as buttons; hidden where the server has none.
 * @param {HTMLElement} container
 * @param {Take} take
 */
export async function samples(container, take) {
  const offered = await list();
  container.hidden = !offered.length;
  const row = element("div", { className: "samples" });
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", t("source.samples"));
  row.append(
    ...offered.map((sample) => {
      const title = titleOf(sample);
      // No thumbnails: the files themselves are all there is, and a thousand times as large as the page.
      const button = element("button", { type: "button", className: "button quiet small", textContent: title });
      button.addEventListener("click", () => take(() => fromSample(sample)));
      return button;
    }),
  );
  container.replaceChildren(element("span", { className: "hint", textContent: t("source.samples") }), row);
}

/** @returns {Promise<{name: string, title: string, url: string}[]>} none when the server cannot be asked */
async function list() {
  try {
    const reply = await fetch(address("samples"));
    return reply.ok ? await reply.json() : [];
  } catch {
    return [];
  }
}

/** What the sample shows, in the person's language where this page has words for it. */
function titleOf({ name, title }) {
  const key = `source.sample.${name.replace(/\.\w+$/, "")}`;
  return key in TEXTS.en ? t(key) : title;
}

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

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
