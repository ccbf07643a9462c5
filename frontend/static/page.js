/** The page as it is before there is a photo: its words, fields and sources. Brings the studio for what comes then. */

import { limits } from "./api.js";
import { describeModel } from "./model.js";
import { NamesField } from "./names.js";
import { Notice } from "./notice.js";
import { Options } from "./options.js";
import { listen } from "./photo.js";
import { address, host, misnamed } from "./server.js";
import { camera, paste, samples } from "./sources.js";
import { fill, language, t } from "./text.js";

const SAMPLES_MS = 1000; // for the list of sample photos, before the page is shown without them and moves when they come
const LATE_MS = 10_000; // for the studio, before somebody who waits for it is told
const STUDIO_STYLES = ["objects.css", "viewer.css", "strip.css", "code.css"];

document.documentElement.lang = language;
document.title = t("page.window");
fill(document.body);

const at = (id) => document.getElementById(id);
const names = new NamesField(at("names"));
const notice = new Notice(at("notice"));
const options = new Options(at("look"));

let opening = null; // the promise of the studio
let studio = null;

/** @type {import("./sources.js").Take} */
async function take(...reads) {
  (await open())?.add(...reads);
}

/** Load the studio: half of the page, and of no use without a photo. @returns {Promise<Studio | null>} null: it failed */
function open() {
  return (opening ??= load());
}

async function load() {
  const late = setTimeout(() => notice.show(t("error.part")), LATE_MS);
  try {
    const [{ Studio }] = await Promise.all([import("./studio.js"), ...STUDIO_STYLES.map(style)]);
    studio = new Studio({ names, notice, options });
  } catch {
    opening = null; // the next photo tries again
    notice.show(t("error.part"));
  } finally {
    clearTimeout(late);
  }
  return studio;
}

/** Resolves when this stylesheet applies. */
function style(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", reject);
    document.head.append(link);
  });
}

function tellLimits() {
  at("limits").textContent = t("page.limits", { size: limits.max_body_bytes / 1e6, pixels: limits.max_pixels / 1e6 });
}

/** Say where photos go and lead to the docs there, for a page that is not the server's own. */
function tellServer() {
  if (host) at("privacy").querySelector("span").textContent = t("server.privacy", { host });
  if (misnamed) notice.show(t(`error.misnamed.${misnamed.reason}`, misnamed));
  else for (const link of document.querySelectorAll("a[href=docs]")) link.href = address("docs");
}

listen({ file: at("file"), url: at("url"), take });
paste(take);
camera(at("camera"), take);
at("cut-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  (await open())?.cutOut();
});
describeModel(at("model"), (told) => {
  names.known = told;
  studio?.named();
  tellLimits();
});
tellLimits();
tellServer();
// What nobody foresaw is told at least, whatever was waited for.
addEventListener("unhandledrejection", () => notice.show(t("error.page")));
// Whoever drags something here or begins to do something will need the studio in a moment.
for (const sign of ["dragenter", "pointerdown", "keydown"]) document.addEventListener(sign, open, { once: true });
// Shown with them, so that nothing moves when they come; but a server that is slow to list them holds nobody up.
await Promise.race([samples(at("samples"), take), new Promise((pass) => setTimeout(pass, SAMPLES_MS))]);
document.body.dataset.ready = "";
