/** Which model runs, as the server tells it, with a note on how to get a better one. */

import { labels } from "./api.js";
import { learn, t } from "./text.js";

const AGAIN_MS = 5000;
const BUNDLED = "objectcut-bundled";

/** Ask until the server answers: it may still be starting while the page is already open. */
export async function describeModel(place, use) {
  const line = place.querySelector(".line");
  const note = place.querySelector(".note");
  try {
    const told = await labels();
    line.textContent = t("model.line", { model: told.model, device: deviceName(told.device), count: told.classes.length });
    const said = told.model === BUNDLED ? t("model.bundled", { count: told.classes.length }) : told.note;
    note.hidden = !said;
    note.replaceChildren(...withCode(said ?? ""));
    learn(told.names);
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
