/** The part of the page that tells which model runs and what is known of it, and lets people choose another. */

import { find, make } from "./elements.js";
import { ApiError, labels } from "./server/api.js";
import { chooseModel, chosenModel } from "./server/chosen.js";
import { learn, localName, t } from "./words/translate.js";

/** @typedef {import("./server/api.js").Model} Model */

const AGAIN_MS = 5000;
const BUNDLED = "objectcut-bundled";

export class ModelPart {
  /** Called when another model was chosen, and is known. */
  onchange = () => {};
  #use;
  #line;
  #note;
  #choice;
  #select;
  #card;
  #facts;
  #asked = 0;

  /**
   * @param {Element} place
   * @param {(model: Model) => void} use called with what is known of the model
   */
  constructor(place, use) {
    this.#use = use;
    this.#line = find(place, ".line", HTMLElement);
    this.#note = find(place, ".note", HTMLElement);
    this.#choice = find(place, ".choice", HTMLElement);
    this.#select = find(place, "select", HTMLSelectElement);
    this.#card = find(place, "details", HTMLElement);
    this.#facts = find(place, ".facts", HTMLElement);
    this.#select.addEventListener("change", () => {
      const [first] = this.#select.options;
      chooseModel(this.#select.value === first.value ? "" : this.#select.value);
      this.#ask(() => this.onchange());
    });
    this.#ask();
  }

  /**
   * Ask until the server answers: it may still be starting while the page is already open.
   * @param {() => void} [then]
   * @param {number} [number] of the question; an older one is dropped
   * @returns {Promise<void>}
   */
  async #ask(then = () => {}, number = ++this.#asked) {
    try {
      const told = await labels();
      if (number !== this.#asked) return;
      this.#show(told);
      this.#use(told);
      then();
    } catch (error) {
      if (number !== this.#asked) return;
      const code = error instanceof ApiError ? error.code : "";
      if (code === "invalid_server") {
        this.#line.textContent = t("server.none");
        return;
      }
      if (code === "unknown_model") chooseModel(""); // it was taken away meanwhile
      this.#line.textContent = code === "not_ready" ? t("model.starting") : t("model.silent");
      setTimeout(() => number === this.#asked && this.#ask(then, number), AGAIN_MS);
    }
  }

  /** @param {Model} told */
  #show(told) {
    learn(told.names);
    const count = told.classes.length;
    const device = told.device && deviceName(told.device); // null where it has no worker now
    this.#line.textContent = t(device ? "model.line" : "model.asleep", { model: told.model, count, device });
    const alone = told.model === BUNDLED && told.models.length < 2;
    const note = alone ? t("model.bundled", { count }) : null;
    this.#note.hidden = !note;
    this.#note.replaceChildren(...withCode(note ?? ""));
    this.#choice.hidden = told.models.length < 2;
    this.#select.replaceChildren(
      ...told.models.map(({ name, classes }) =>
        make("option", { value: name, textContent: t("model.option", { model: name, count: classes }) }),
      ),
    );
    this.#select.value = chosenModel() || (told.models[0]?.name ?? "");
    this.#card.hidden = false;
    this.#facts.replaceChildren(...factsOf(told));
  }
}

/** Return what is known of a model, as nodes. @param {Model} told */
function factsOf({ card, classes }) {
  const facts = [];
  for (const key of /** @type {const} */ (["trained_on", "licence"])) {
    const text = card[key];
    if (text) facts.push(make("dt", { textContent: t(`model.${key}`) }), make("dd", { textContent: text }));
  }
  const list = make("dd", { className: "classes" });
  list.append(
    ...classes.map((name) => {
      const figures = card.cut_outs?.[name];
      const words = figures ? t("model.figure", { name: localName(name), iou: Math.round(figures.iou * 100) / 100 }) : localName(name);
      return make("span", { textContent: words });
    }),
  );
  const measured = Object.keys(card.cut_outs ?? {}).length > 0;
  return [...facts, make("dt", { textContent: t(measured ? "model.measured" : "model.names") }), list];
}

/** @param {string} device */
function deviceName(device) {
  return device === "cpu" ? t("model.cpu") : device;
}

/** Make nodes of text whose `commands` stand between backticks. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, index) => make(index % 2 ? "code" : "span", { textContent: part }));
}
