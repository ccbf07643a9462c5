/** The line that tells which model runs, with a note on how to get a better one. More of it is in model/. */

import { find, make } from "./elements.js";
import { chooseModel, host } from "./server/address.js";
import { ApiError, labels } from "./server/api.js";
import { learn, t } from "./words/translate.js";

const AGAIN_MS = 5000;
const BUNDLED = "objectcut-bundled";

let asked = 0; // times

/**
 * Ask until the server answers: it may still be starting while the page is already open.
 * @param {Element} place
 * @param {(model: import("./server/api.js").Model) => void} use
 * @returns {Promise<void>}
 */
export async function describeModel(place, use) {
  const line = find(place, ".line", HTMLElement);
  const note = find(place, ".note", HTMLElement);
  const more = find(place, ".about", HTMLDetailsElement);
  const own = find(place, ".own-model", HTMLDetailsElement);
  const call = ++asked;
  try {
    const told = await labels();
    if (call !== asked) return;
    const { model, device, classes, models } = told;
    const count = classes.length;
    const several = models.length > 1;
    line.textContent = t("model.line", { model, device: deviceName(device), count });
    const hint = model === BUNDLED && !several ? t("model.bundled", { count }) : "";
    note.hidden = !hint;
    note.replaceChildren(...withCode(hint));
    learn(told.names);
    more.hidden = false;
    const again = () => describeModel(place, use);
    more.ontoggle = async () => (await import("./model/about.js")).show(place, told, again);
    own.hidden = Boolean(host); // a key goes to no other server than that of the page
    own.ontoggle = async () => (await import("./model/own.js")).show(own, again);
    if (several || more.open) more.dispatchEvent(new Event("toggle"));
    use(told);
  } catch (error) {
    if (call !== asked) return;
    const code = error instanceof ApiError ? error.code : "";
    if (code === "invalid_server") {
      line.textContent = t("server.none");
      return;
    }
    if (code === "unknown_model") chooseModel(""); // it was taken away meanwhile
    line.textContent = code === "not_ready" ? t("model.starting") : t("model.silent");
    setTimeout(() => call === asked && describeModel(place, use), AGAIN_MS);
  }
}

/** @param {string | null} device null while the model has no worker */
function deviceName(device) {
  return device === "cpu" ? t("model.cpu") : (device ?? t("model.asleep"));
}

/** Make nodes of text whose `commands` stand between backticks. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, index) => make(index % 2 ? "code" : "span", { textContent: part }));
}
