/** The page: photos go to the server, their objects come back, what is taken of them is cut out. Wires the parts. */

import { Album, pass, savedAs } from "./album.js";
import { ApiError, detect, limits } from "./api.js";
import { Entry } from "./entry.js";
import { wordsFor } from "./errors.js";
import { FoundObjects, UnreadablePhoto } from "./found.js";
import { describeModel } from "./model.js";
import { NamesField } from "./names.js";
import { Notice } from "./notice.js";
import { Options } from "./options.js";
import { download } from "./output.js";
import { PhotoProblem, PhotoView, listen } from "./photo.js";
import { address, host, misnamed } from "./server.js";
import { camera, paste, samples } from "./sources.js";
import { fill, language, t } from "./text.js";

const SAMPLES_MS = 200; // for the list of sample photos, before the page is shown without them
const SETTLE_MS = 350; // after a click on an object, before the server is asked: the next click may follow

document.documentElement.lang = language;
document.title = t("page.window");
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
const options = new Options(at("look"));
const found = new FoundObjects();
const album = new Album(fieldsOf);

let opening = null; // the import of what shows objects and cut-outs: half of the page, of no use without a photo
let objectsView = null;
let cutoutView = null;
let strip = null;
let code = null;
let taking = null; // the reading of photos
let looked = null; // the search for the objects of what is shown
let previewable = false; // whether this browser can draw the photo's objects itself
let running = null; // the cut that is under way for what is shown
let saving = null; // the file of all cut-outs that is being made
let settling = 0;

/** Add what the functions read to the photos of the page, and turn to the first of them. */
function take(...reads) {
  stop();
  notice.clear();
  opening ??= open();
  const before = taking;
  taking = (async () => {
    await before;
    const told = [];
    const added = [];
    for (const read of reads) {
      try {
        added.push(new Entry(await read(), changed));
      } catch (problem) {
        if (!(problem instanceof PhotoProblem)) throw problem;
        told.push(problem.message);
      }
    }
    if (added.length && !(await opening)) told.push(t("error.unreachable"));
    if (added.length && cutoutView) {
      album.entries.push(...added);
      url.setCustomValidity("");
      turnTo(added[0]);
    }
    if (told.length) notice.show(told.join("\n"));
  })();
}

/** Load what shows objects and cut-outs. @returns {Promise<boolean>} whether it is there */
async function open() {
  try {
    const [{ ObjectsView }, { CutoutView }, { Strip }, { CodePanel }] = await Promise.all([
      import("./objects.js"),
      import("./cutout.js"),
      import("./strip.js"),
      import("./code.js"),
      ...["objects.css", "viewer.css", "strip.css", "code.css"].map(style),
    ]);
    objectsView = new ObjectsView(at("photo").querySelector(".canvas"));
    objectsView.onchange = takeObjects;
    cutoutView = new CutoutView(at("cutout"));
    strip = new Strip(at("strip"));
    strip.onturn = turnTo;
    strip.onremove = remove;
    strip.onzip = saveAll;
    code = new CodePanel(at("code"));
    return true;
  } catch {
    opening = null; // the next photo tries again
    return false;
  }
}

/** Resolves when this stylesheet of the page applies. */
function style(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", reject);
    document.head.append(link);
  });
}

/** Show an entry, and go on with it where it was left. */
function turnTo(entry) {
  if (entry === album.now) return;
  stop();
  notice.clear();
  album.now = entry;
  previewable = false;
  objectsView.clear();
  found.close();
  cutoutView.clear();
  at("from-code").hidden = true;
  if (!entry.photo.url) url.value = "";
  at("stage").removeAttribute("data-empty");
  strip.show(album.entries, entry);
  photoView.show(entry.photo);
  looked = look();
  if (entry.wanted) cutNow();
}

/** Take a photo away. There is always another: a single one has no place in the strip. */
function remove(entry) {
  turnTo(album.remove(entry));
  cutoutView.forget(entry.photo.blob);
  strip.show(album.entries, album.now);
}

/** Find the photo's objects, and outline them where this browser can show the photo. */
async function look() {
  const entry = album.now;
  try {
    const finding = entry.find();
    // The browser decodes the photo while the server looks.
    const outlines = await (entry.photo.blob ? found.open(entry.photo.blob, finding) : finding);
    if (album.now !== entry || !entry.photo.blob) return;
    previewable = true;
    objectsView.show(entry.detected, outlines, entry.taken);
    if (entry.taken.size && cutoutView.empty) preview();
  } catch (error) {
    if (album.now !== entry || error.name === "AbortError" || error instanceof UnreadablePhoto) return;
    if (!(error instanceof ApiError)) throw error;
    if (!entry.wanted) notice.tell(error, { ...offers, retry: () => (looked = look()) }); // else the cut tells it
  } finally {
    album.takeTurns();
  }
}

/** Something of an entry did change: its place in the strip tells it, and, when it is shown, the line below it. */
function changed(entry) {
  strip.update(entry);
  if (entry !== album.now) return;
  notice.wait(entry.wait?.error ? entry.wait : null);
  at("found").textContent = stateOf(entry);
}

function stateOf({ wait, sent, looking, detected }) {
  if (wait?.others) return t("found.queue", { count: wait.others });
  if (looking) return t(sent === null ? "found.looking" : "found.uploading", { percent: Math.round(sent * 100) });
  if (!detected) return "";
  return detected.objects.length ? t("found.hint", { count: detected.objects.length }) : t("found.nothing");
}

/** Cut what is named out of every photo; without names everything that was found. */
async function cutOut() {
  if (running) return;
  const asked = names.names;
  await taking;
  if (url.validationMessage || !album.now) {
    notice.show(url.validationMessage || t("source.missing"));
    (url.validationMessage ? url : file).focus();
    return;
  }
  for (const entry of album.entries) entry.want({ names: asked });
  if (await cutNow()) cutoutView.scrollTo();
}

/** Cut out what is wanted of the photo that is shown. @returns {Promise<boolean>} whether it is there */
async function cutNow() {
  clearTimeout(settling);
  running?.abort();
  notice.clear();
  names.mark(null);
  const own = (running = new AbortController());
  const { signal } = own;
  const entry = album.now;
  const fields = fieldsOf(entry);
  showBusy(true);
  try {
    if (entry.wanted.names && !entry.taken.size) mark(entry);
    const result = await entry.cut(fields);
    signal.throwIfAborted();
    const told = await show(entry, result, signal);
    code.show({ photo: entry.photo, fields });
    at("from-code").hidden = false;
    status.textContent = t("page.ready", { told });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    if (!(error instanceof ApiError)) throw error;
    status.textContent = "";
    cutoutView.clear();
    at("from-code").hidden = true;
    if (error.code === "unknown_object") names.mark(error.details.name);
    notice.tell(error, offers);
    return false;
  } finally {
    if (running === own) {
      running = null;
      showBusy(false);
    }
    album.takeTurns();
  }
}

/** Show a finished cut-out. @returns {Promise<string>} how many objects are in it, in words */
async function show(entry, { blob, count, seconds, fields }, signal) {
  await looked; // only then is it known whether the photo can be shown beside it
  signal.throwIfAborted();
  const told = t("cutout.count", { count });
  const result = {
    blob,
    photo: seen(),
    transparent: !fields.background && !fields.background_image && blob.type !== "image/jpeg",
    names: entry.names,
    stem: entry.photo.stem,
    told: t("cutout.told", { told, seconds: Number(seconds.toFixed(1)) }),
  };
  await cutoutView.show(result, signal);
  cutoutView.fetchFile = () => savedAs(entry, fields);
  return told;
}

/** Every photo's cut-out in one file; called again, it stops. */
async function saveAll() {
  if (saving) {
    saving.abort();
    return;
  }
  const { signal } = (saving = new AbortController());
  const fresh = !album.now.wanted;
  notice.clear();
  try {
    const tell = (progress) => (strip.zipping = progress);
    const { file, count, missing } = await album.save(names.names, { signal, tell, drawn });
    if (fresh) cutNow(); // show what was made
    const told = count ? t("strip.zipped", { count }) : t("strip.none");
    status.textContent = told;
    if (file) download(file, "cut-outs.zip");
    const lines = missing.map(({ name, error }) => `${name}: ${wordsFor(error)}`);
    if (lines.length) notice.show([told, t("strip.left-out"), ...lines].join("\n"));
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    saving = strip.zipping = null;
  }
}

/** A cut-out with what was drawn on the photo; null where nothing was, or nothing of it can be. */
async function drawn({ photo, result }) {
  return isTransparent(result) && !result.fields.crop ? cutoutView.drawn(photo.blob, result.blob) : null;
}

/** Whether everything but the objects is transparent. */
function isTransparent({ blob, fields }) {
  return !fields.background && !fields.background_image && blob.type !== "image/jpeg";
}

/** The entry's objects that bear these names are taken on the photo, and drawn at once. */
async function mark(entry) {
  const chosen = entry.wanted;
  try {
    const { objects } = await entry.find();
    const own = chosen.names.length ? (await detect(entry.photo, chosen.names, {})).objects : objects;
    if (entry.wanted !== chosen) return;
    entry.taken = new Set(own.map(({ id }) => id));
    if (entry !== album.now) return;
    objectsView.taken = entry.taken;
    if (own.length && cutoutView.empty) preview();
  } catch (error) {
    pass(error); // the cut tells it
  }
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

/** What `/cut` is asked for. */
function fieldsOf({ wanted }) {
  const { names: asked, ids } = wanted;
  return { ...(ids ? { pick: [...ids] } : asked.length ? { objects: asked } : {}), ...options.fields };
}

/** The photo as this browser can show it, with its upright size. */
function seen() {
  if (!previewable) return null;
  const { photo, detected } = album.now;
  return { blob: photo.blob, width: detected.width, height: detected.height };
}

function takeObjects(taken) {
  stop();
  names.names = []; // from now on it is these objects, whatever they are called
  notice.clear();
  album.now.want(taken.size ? { ids: taken } : null);
  if (!taken.size) {
    cutoutView.clear();
    at("from-code").hidden = true;
    return;
  }
  cutoutView.outdate(); // what is shown stays until the preview replaces it: nothing jumps
  preview();
  settling = setTimeout(cutNow, SETTLE_MS);
}

options.onchange = () => {
  if (album.now?.wanted) cutNow();
};

/** What a notice can offer to do. Its button vanishes and must not take the focus with it. */
const offers = {
  retry: () => {
    button.focus();
    if (album.now?.wanted) cutNow();
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
    album.now.want({ names: [name] }); // the other photos may well show what this one does not
    cutNow();
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

/** Say where photos go and lead to the docs there, for a page that is not the server's own. */
function tellServer() {
  if (host) at("privacy").querySelector("span").textContent = t("server.privacy", { host });
  if (misnamed) notice.show(t("error.misnamed", { address: misnamed }));
  else for (const link of document.querySelectorAll("a[href=docs]")) link.href = address("docs");
}

listen({ file, url, take });
paste(take);
camera(at("camera"), take);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  cutOut();
});
describeModel(at("model"), (told) => {
  names.known = told;
  objectsView?.name();
  tellLimits();
});
tellLimits();
tellServer();
// Whoever drags something here or begins to do something will need the rest in a moment.
for (const sign of ["dragenter", "pointerdown", "keydown"]) {
  document.addEventListener(sign, () => (opening ??= open()), { once: true });
}
// Shown with them, so that nothing moves when they come; but a server that is slow to list them holds nobody up.
await Promise.race([samples(at("samples"), take), new Promise((pass) => setTimeout(pass, SAMPLES_MS))]);
document.body.dataset.ready = "";
