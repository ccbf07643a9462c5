/** The line that tells which model runs, with a note on how to get a better one. */

import { find, make } from "./elements.js";
import { ApiError, labels } from "./server/api.js";
import { learn, t } from "./words/translate.js";

const AGAIN_MS = 5000;
const BUNDLED = "objectcut-bundled";

/**
 * Ask until the server answers: it may still be starting while the page is already open.
 * @param {Element} place
 * @param {(model: import("./server/api.js").Model) => void} use
 * @returns {Promise<void>}
 */
export async function describeModel(place, use) {
  const line = find(place, ".line", HTMLElement);
  const note = find(place, ".note", HTMLElement);
  try {
    const told = await labels();
    const count = told.classes.length;
    line.textContent = t("model.line", { model: told.model, device: deviceName(told.device), count });
    const hint = told.model === BUNDLED ? t("model.bundled", { count }) : told.note;
    note.hidden = !hint;
    note.replaceChildren(...withCode(hint ?? ""));
    learn(told.names);
    use(told);
  } catch (error) {
    const code = error instanceof ApiError ? error.code : "";
    if (code === "invalid_server") {
      line.textContent = t("server.none");
      return;
    }
    line.textContent = code === "not_ready" ? t("model.starting") : t("model.silent");
    setTimeout(() => describeModel(place, use), AGAIN_MS);
  }
}

/** @param {string} device */
function deviceName(device) {
  return device === "cpu" ? t("model.cpu") : device;
}

/** Make nodes of text whose `commands` stand between backticks. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, index) => make(index % 2 ? "code" : "span", { textContent: part }));
}
