/** Which model runs, as the server tells it, with its note on how to get a better one. */

import { labels } from "./api.js";
import { t } from "./text.js";

const AGAIN_MS = 5000;

/** Ask until the server answers: it may still be starting while the page is already open. */
export async function describeModel(place, use) {
  const line = place.querySelector(".line");
  const note = place.querySelector(".note");
  try {
    const told = await labels();
    line.textContent = t("model.line", { model: told.model, device: deviceName(told.device), count: told.classes.length });
    note.hidden = !told.note;
    note.replaceChildren(...withCode(told.note ?? ""));
    use(told);
  } catch (error) {
    if (error.code === "misnamed") {
      line.textContent = t("server.none");
      return;
    }
    line.textContent =
      error.code === "not_ready" ? t("model.starting") : t("model.silent");
    setTimeout(() => describeModel(place, use), AGAIN_MS);
  }
}

function deviceName(device) {
  return device === "cpu" ? t("model.cpu") : device;
}

/** Text whose `commands` stand between backticks, as nodes. */
function withCode(text) {
  return text.split("`").map((part, index) => {
    const node = document.createElement(index % 2 ? "code" : "span");
    node.textContent = part;
    return node;
  });
}
