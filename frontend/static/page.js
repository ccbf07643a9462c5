/** The page as it is before there is a photo: its words and sources. Loads the studio with the first photo. */

import { byId, find, make } from "./elements.js";
import { Notice } from "./form/notice.js";
import { describeModel } from "./model.js";
import { camera, listen, paste, samples, unfold } from "./photo/sources.js";
import { address, host, invalidServer } from "./server/address.js";
import { limits } from "./server/api.js";
import { fill, language, t } from "./words/translate.js";

/** @typedef {import("./studio.js").Studio} Studio */

const LATE_MS = 10_000; // for the studio, before a message says that it is late
const STUDIO_STYLES = [
  "editor.css",
  "form/form.css",
  "objects/objects.css",
  "viewer/viewer.css",
  "brush/brush.css",
  "result/cutout.css",
  "result/toolbar.css",
  "result/code.css",
  "album/strip.css",
  "keyboard/help.css",
];

document.documentElement.lang = language;
document.title = t("page.window");
fill(document.body);

const notice = new Notice(byId("notice"));
/** @type {import("./server/api.js").Model | null} what the server told of its model */
let model = null;

/** @type {Promise<Studio | null> | null} */
let opening = null;
/** @type {Studio | null} */
let studio = null;

/** @type {import("./photo/sources.js").Take} */
async function take(...reads) {
  (await open())?.add(...reads);
}

/** @type {import("./photo/sources.js").Take} */
async function swap(...reads) {
  (await open())?.replace(...reads);
}

/**
 * Load the studio: half of the page, and of no use without a photo.
 * @returns {Promise<Studio | null>} null: it failed
 */
function open() {
  opening ??= load();
  return opening;
}

async function load() {
  const late = setTimeout(() => notice.show(t("error.part")), LATE_MS);
  try {
    const [{ Studio }] = await Promise.all([import("./studio.js"), ...STUDIO_STYLES.map(style)]);
    studio = new Studio(notice);
    if (model) studio.named(model);
  } catch {
    opening = null; // the next photo tries again
    notice.show(t("error.part"));
  } finally {
    clearTimeout(late);
  }
  return studio;
}

/** Load a stylesheet. Resolves when it applies; that of the editor does with the first photo. @param {string} href */
function style(href) {
  return new Promise((resolve, reject) => {
    const link = make("link", { rel: "stylesheet", href, media: href === "editor.css" ? "not all" : "all" });
    link.addEventListener("load", resolve);
    link.addEventListener("error", reject);
    document.head.append(link);
  });
}

function tellLimits() {
  byId("limits").textContent = t("page.limits", { size: limits.max_body_bytes / 1e6, pixels: limits.max_pixels / 1e6 });
}

/** Say where photos go and link to the docs there, for a page that is not the server's own. */
function tellServer() {
  if (host) find(byId("privacy"), "span", HTMLElement).textContent = t("server.privacy", { host });
  if (invalidServer) notice.show(t(`error.invalid_server.${invalidServer.reason}`, invalidServer));
  else for (const link of document.querySelectorAll("a[href=docs]")) link.setAttribute("href", address("docs"));
}

const field = (/** @type {string} */ id) => find(document, `#${id}`, HTMLInputElement);
listen({ file: field("file"), replace: field("replace"), url: field("url"), take, swap });
unfold(byId("by-address"), field("url"));
paste(take);
camera(byId("camera"), take);
byId("cut-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  (await open())?.cutOut();
});
describeModel(byId("model"), (told) => {
  const another = model && model.model !== told.model;
  model = told;
  studio?.named(told);
  if (another) studio?.modelChosen();
  tellLimits();
});
tellLimits();
tellServer();
// The second click of a double click would add a sample again, save a file twice or stop what the first one began.
addEventListener(
  "click",
  (event) => {
    const once = event.detail > 1 && event.target instanceof Element && event.target.closest("[data-once]");
    if (once) event.stopPropagation();
  },
  { capture: true },
);
// An error that no other code handles is at least shown.
addEventListener("unhandledrejection", () => notice.show(t("error.page")));
// Dragging, clicking or typing is followed by a photo: the studio is loaded ahead of it.
for (const sign of ["dragenter", "pointerdown", "keydown"]) document.addEventListener(sign, open, { once: true });
document.body.dataset.ready = "";
await samples(byId("samples"), take); // there is room for them: nothing moves when they come
