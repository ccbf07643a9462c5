/** The page: a photo goes to the server, its objects come back, what is taken of them is cut out. Wires the parts. */

import { ApiError, cut, detect, limits } from "./api.js";
import { CodePanel } from "./code.js";
import { FoundObjects, UnreadablePhoto } from "./found.js";
import { describeModel } from "./model.js";
import { NamesField } from "./names.js";
import { Notice } from "./notice.js";
import { ObjectsView } from "./objects.js";
import { Options } from "./options.js";
import { PhotoProblem, PhotoView, listen } from "./photo.js";
import { camera, paste, samples } from "./sources.js";
import { fill, language, t } from "./text.js";

const SETTLE_MS = 350; // after a click on an object, before the server is asked: the next click may follow

document.documentElement.lang = language;
fill(document.body);

const at = (id) => document.getElementById(id);
const form = at("cut-form");
const file = at("file");
const url = at("url");
const button = at("cut");
const status = at("status");
const names = new NamesField(at("names"));
const notice = new Notice(at("notice"));
const photoView = new PhotoView(at("photo"), at("source"));
const objectsView = new ObjectsView(at("photo").querySelector(".canvas"));
const options = new Options(at("look"));
const code = new CodePanel(at("code"));
const found = new FoundObjects();

let opening = null; // the import of what shows a cut-out: half of the page, and of no use before there is a photo
let cutoutView = null;
let photo = null;
let taking = null; // the photo that is being read
let looking = null; // the search for objects that is under way: {signal, done}
let detected = null; // what was found in the photo
let previewable = false; // whether this browser can draw the photo's objects itself
let wanted = null; // what is cut out: {names} or {ids}
let running = null; // the cut that is under way
let settling = 0;

/** Make what `read` gives the photo of the page; it replaces the one before and its cut-out. */
function take(read) {
  stop();
  notice.clear();
  opening ??= open();
  const own = (async () => {
    try {
      const next = await read();
      await opening;
      if (taking !== own) return;
      forget();
      photo = next;
      if (!photo.url) url.value = "";
      url.setCustomValidity("");
      at("stage").removeAttribute("data-empty");
      look();
      await photoView.show(photo);
    } catch (problem) {
      if (!(problem instanceof PhotoProblem)) throw problem;
      if (taking === own) notice.show(problem.message);
    } finally {
      file.value = ""; // so that the same file can be chosen again after it was changed
    }
  })();
  taking = own;
}

/** Load what shows a cut-out. */
async function open() {
  try {
    const { CutoutView } = await import("./cutout.js");
    cutoutView = new CutoutView(at("cutout"));
  } catch {
    opening = null; // the next photo tries again
    throw new PhotoProblem(t("error.unreachable"));
  }
}

/** Forget the photo and everything that was found in it. */
function forget() {
  looking?.abort.abort();
  looking = detected = wanted = null;
  previewable = false;
  objectsView.clear();
  found.close();
  cutoutView.forget();
  at("from-code").hidden = true;
  tellFound("");
}

/** Find the photo's objects, and outline them where this browser can show the photo. */
function look() {
  const abort = new AbortController();
  const own = { abort };
  const shown = photo;
  own.done = (async () => {
    tellFound(t("found.looking"));
    try {
      const answer = await detect(shown, [], { signal: abort.signal, progress: tellProgress });
      if (looking !== own) return;
      detected = answer;
      tellFound(answer.objects.length ? t("found.hint", { count: answer.objects.length }) : t("found.nothing"));
      if (!shown.blob) return;
      const outlines = await found.open(shown.blob, answer);
      if (looking !== own) return;
      previewable = true;
      objectsView.show(answer, outlines, wanted?.ids ?? []);
    } catch (error) {
      if (looking !== own || error.name === "AbortError" || error instanceof UnreadablePhoto) return;
      if (!(error instanceof ApiError)) throw error;
      tellFound("");
      notice.tell(error, { ...offers, retry: look });
    }
  })();
  looking = own;
}

function tellFound(words) {
  at("found").textContent = words;
}

function tellProgress(share) {
  tellFound(t(share < 1 ? "found.uploading" : "found.looking", { percent: Math.round(share * 100) }));
}

/** Cut out what is named; without names everything that was found. */
async function cutOut() {
  if (running) return;
  const asked = names.names;
  await taking;
  if (url.validationMessage || !photo) {
    notice.show(url.validationMessage || t("source.missing"));
    (url.validationMessage ? url : file).focus();
    return;
  }
  wanted = { names: asked };
  await cutWanted();
}

/** Cut out what is wanted now; what is under way gives up. */
async function cutWanted() {
  clearTimeout(settling);
  running?.abort();
  notice.clear();
  names.mark(null);
  const own = (running = new AbortController());
  const { signal } = own;
  const started = performance.now();
  showBusy(true);
  try {
    const chosen = wanted;
    if (chosen.names) await mark(chosen, signal);
    signal.throwIfAborted();
    const fields = { ...chosenFields(chosen), ...options.fields };
    const shown = { ...fields };
    delete shown.output; // a ZIP cannot be looked at
    const { blob, count } = await cut(photo, shown, { accept: "image/*", signal });
    const told = t("cutout.count", { count });
    const seconds = (performance.now() - started) / 1000;
    const result = {
      blob,
      photo: seen(),
      transparent: !fields.background && !fields.background_image && blob.type !== "image/jpeg",
      names: chosen.names ?? labelsOf(chosen.ids),
      stem: photo.stem,
      told: t("cutout.told", { told, seconds: Number(seconds.toFixed(1)) }),
    };
    await cutoutView.show(result, signal);
    cutoutView.fetchFile = () => (fields.output ? cutFile(photo, fields) : null);
    code.show({ photo, fields });
    at("from-code").hidden = false;
    status.textContent = t("page.ready", { told });
    if (chosen.names) cutoutView.scrollTo();
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    status.textContent = "";
    cutoutView.clear();
    if (error.code === "unknown_object") names.mark(error.details.name);
    notice.tell(error, offers);
  } finally {
    if (running === own) {
      running = null;
      showBusy(false);
    }
  }
}

/** Take the objects that bear these names on the photo, and draw them at once. */
async function mark(chosen, signal) {
  await looking?.done;
  if (!detected?.objects.length) return;
  const own = chosen.names.length ? (await detect(photo, chosen.names, { signal })).objects : detected.objects;
  if (wanted !== chosen) return;
  objectsView.taken = own.map(({ id }) => id);
  if (own.length) preview();
}

/** Draw what is taken from the masks that the page has already. */
async function preview() {
  if (!previewable) return;
  const bitmap = await found.preview(objectsView.taken, { invert: options.values.invert }).catch(() => null);
  // The final picture may have been faster.
  if (!bitmap) return;
  if (cutoutView.empty) await cutoutView.preview(bitmap, seen());
  else bitmap.close();
}

function chosenFields({ names, ids }) {
  if (ids) return { pick: [...ids] };
  return names.length ? { objects: names } : {};
}

async function cutFile(photo, fields) {
  return (await cut(photo, fields, { accept: "application/zip", signal: new AbortController().signal })).blob;
}

/** The photo as this browser can show it, with its upright size. */
function seen() {
  return previewable ? { blob: photo.blob, width: detected.width, height: detected.height } : null;
}

function labelsOf(ids) {
  return [...new Set(detected.objects.filter(({ id }) => ids.has(id)).map(({ label }) => label))];
}

objectsView.onchange = (taken) => {
  running?.abort();
  names.names = []; // from now on it is these objects, whatever they are called
  notice.clear();
  clearTimeout(settling);
  cutoutView.clear();
  if (!taken.size) {
    wanted = null;
    at("from-code").hidden = true;
    return;
  }
  wanted = { ids: taken };
  preview();
  settling = setTimeout(cutWanted, SETTLE_MS);
};

options.onchange = () => {
  if (wanted) cutWanted();
};

/** What a notice can offer to do. Its button vanishes and must not take the focus with it. */
const offers = {
  retry: () => {
    button.focus();
    if (wanted) cutWanted();
    else cutOut();
  },
  browse: () => names.browse(),
  replace: (wrong, right) => {
    names.replace(wrong, right);
    button.focus();
    cutOut();
  },
  only: (name) => {
    names.names = [name];
    button.focus();
    cutOut();
  },
};

function stop() {
  clearTimeout(settling);
  if (!running) return;
  running.abort();
  running = null;
  status.textContent = "";
  showBusy(false);
}

function showBusy(busy) {
  // Not `disabled`: a disabled button would lose the keyboard's focus.
  button.setAttribute("aria-disabled", String(busy));
  at("cut-label").textContent = t(busy ? "page.cutting" : "page.cut");
  cutoutView.busy = busy;
  if (busy) status.textContent = t("page.cutting");
}

function tellLimits() {
  at("limits").textContent = t("page.limits", { size: limits.max_body_bytes / 1e6, pixels: limits.max_pixels / 1e6 });
}

listen({ file, url, take });
paste(take);
camera(at("camera"), take);
samples(at("samples"), take);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  cutOut();
});
describeModel(at("model"), (told) => {
  names.known = told;
  tellLimits();
});
tellLimits();
document.body.dataset.ready = "";
