/** The page: a photo and names go to the server, the cut-out comes back. Wires the parts, owns no part itself. */

import { ApiError, cut } from "./api.js";
import { CutoutView } from "./cutout.js";
import { describeModel } from "./model.js";
import { NamesField } from "./names.js";
import { Notice } from "./notice.js";
import { PhotoProblem, PhotoView, listen } from "./photo.js";

const at = (id) => document.getElementById(id);
const form = at("cut-form");
const file = at("file");
const url = at("url");
const button = at("cut");
const status = at("status");
const names = new NamesField(at("names"));
const notice = new Notice(at("notice"));
const photoView = new PhotoView(at("photo"), at("source"));
const cutoutView = new CutoutView(at("cutout"));

let photo = null;
let taking = null; // the photo that is being read
let running = null; // the cut that is under way

/** Make what `read` gives the photo of the page; it replaces the one before and its cut-out. */
function take(read) {
  stop();
  notice.clear();
  const own = (async () => {
    try {
      const next = await read();
      if (taking !== own) return;
      photo = next;
      if (!photo.url) url.value = "";
      url.setCustomValidity("");
      at("stage").removeAttribute("data-empty");
      cutoutView.clear();
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

async function cutOut() {
  if (running) return;
  const wanted = names.names;
  await taking;
  if (url.validationMessage || !photo) {
    notice.show(url.validationMessage || "Choose a photo first, drop one on this page, or give its web address.");
    (url.validationMessage ? url : file).focus();
    return;
  }
  notice.clear();
  names.mark(null);
  const own = (running = new AbortController());
  showBusy(true);
  try {
    const result = await cut(photo, wanted, new FormData(form).get("background"), own.signal);
    const told = await cutoutView.show(result, wanted, photo.stem, own.signal);
    status.textContent = `The cut-out is ready: ${told}.`;
    cutoutView.scrollTo();
  } catch (error) {
    if (own.signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    status.textContent = "";
    cutoutView.clear();
    if (error.code === "unknown_object") names.mark(error.details.name);
    notice.tell(error, {
      retry: again,
      browse: () => names.browse(),
      replace: (wrong, right) => {
        names.replace(wrong, right);
        again();
      },
      only: (name) => {
        names.names = [name];
        again();
      },
    });
  } finally {
    if (running === own) {
      running = null;
      showBusy(false);
    }
  }
}

/** Cut once more after an offer was taken; its button is about to vanish and must not take the focus with it. */
function again() {
  button.focus();
  cutOut();
}

function stop() {
  if (!running) return;
  running.abort();
  running = null;
  status.textContent = "";
  showBusy(false);
}

function showBusy(busy) {
  // Not `disabled`: a disabled button would lose the keyboard's focus.
  button.setAttribute("aria-disabled", String(busy));
  at("cut-label").textContent = busy ? "Cutting out …" : "Cut out";
  cutoutView.busy = busy;
  if (busy) status.textContent = "Cutting out …";
}

listen({ file, url, take });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  cutOut();
});
at("background-step").addEventListener("change", () => {
  if (!cutoutView.empty) cutOut();
});
describeModel(at("model"), (told) => (names.known = told));
