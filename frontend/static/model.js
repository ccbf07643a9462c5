/** Which model runs, as the server tells it, with its note on how to get a better one. */

import { labels, limits } from "./api.js";

const AGAIN_MS = 5000;

/** Ask until the server answers: it may still be starting while the page is already open. */
export async function describeModel(place, use) {
  const line = place.querySelector(".line");
  const note = place.querySelector(".note");
  try {
    const told = await labels();
    line.textContent = `${told.model} on ${deviceName(told.device)}, knows ${told.classes.length} names.`;
    note.hidden = !told.note;
    note.replaceChildren(...withCode(told.note ?? ""));
    document.querySelector("#limits").textContent =
      `${limits.max_body_bytes / 1e6} MB and ${limits.max_pixels / 1e6} megapixels`;
    use(told);
  } catch (error) {
    line.textContent =
      error.code === "not_ready" ? "The server is still starting." : "The server does not answer. Asking again …";
    setTimeout(() => describeModel(place, use), AGAIN_MS);
  }
}

function deviceName(device) {
  return device === "cpu" ? "the CPU" : device;
}

/** Text whose `commands` stand between backticks, as nodes. */
function withCode(text) {
  return text.split("`").map((part, index) => {
    const node = document.createElement(index % 2 ? "code" : "span");
    node.textContent = part;
    return node;
  });
}
