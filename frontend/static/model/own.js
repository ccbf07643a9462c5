/** Loading a model of one's own, and removing models, for people with an admin key. */

import { make } from "../elements.js";
import { Notice } from "../form/notice.js";
import { chooseModel } from "../server/address.js";
import { ApiError } from "../server/api.js";
import { addModel, listModels, removeModel } from "../server/models.js";
import { wordsFor } from "../words/errors.js";
import { t } from "../words/translate.js";
import "./setup.js";

/** @typedef {import("../server/models.js").Listed} Listed */

const KEPT_AS = "objectcut-admin-key"; // in the tab's own storage, which ends with it
const CHECKS = ["upload", "weights", "architecture", "classes", "memory", "archive", "load", "sample"];

/**
 * Begin, when somebody looks for the first time.
 * @param {HTMLDetailsElement} place
 * @param {() => void} again is called when the models have changed, or another one is to be used
 */
export function show(place, again) {
  if (place.open && !place.querySelector(".own")) new OwnModels(place, again);
}

class OwnModels {
  #place = make("div", { className: "own" });
  #told = make("p", { className: "told", role: "status" });
  #alert = make("div", { role: "alert" });
  #notice = new Notice(this.#alert);
  #again;

  /**
   * @param {Element} place
   * @param {() => void} again
   */
  constructor(place, again) {
    this.#again = again;
    place.append(this.#place);
    this.#open();
  }

  get #key() {
    return sessionStorage.getItem(KEPT_AS) ?? "";
  }

  /** Show the form for the key, or what the key opens. */
  async #open() {
    if (this.#key) await this.#try(async () => this.#showModels(await listModels(this.#key)));
    else this.#askForKey();
  }

  #askForKey() {
    const input = make("input", { type: "password", className: "field", required: true, autocomplete: "off" });
    const form = this.#form([labelled("own.key", input, "own.hint")], "own.go", async () => {
      const key = input.value.trim();
      const models = await listModels(key);
      sessionStorage.setItem(KEPT_AS, key);
      this.#showModels(models);
    });
    this.#place.replaceChildren(form, this.#told, this.#alert);
  }

  /** @param {Listed[]} models */
  #showModels(models) {
    const file = make("input", { type: "file", className: "field", required: true });
    const name = make("input", { type: "text", className: "field", maxLength: 64, autocomplete: "off" });
    const classes = make("textarea", { className: "field", rows: 2 });
    const fields = [
      labelled("own.file", file, "own.file.hint"),
      labelled("own.name", name, "own.name.hint"),
      labelled("own.classes", classes, "own.classes.hint"),
    ];
    const checks = make("ol", { className: "checks", hidden: true, ariaLabel: t("own.checks") });
    const form = this.#form(fields, "own.add", async () => {
      const [chosen] = file.files ?? [];
      await this.#add(chosen, name.value.trim(), classes.value, checks);
      form.reset();
    });
    form.append(checks);
    const forget = button("own.forget", () => this.#forget());
    const title = make("p", { className: "name", textContent: t("own.models") });
    this.#place.replaceChildren(form, this.#told, this.#alert, title, this.#list(models), forget);
  }

  /** @param {Listed[]} models */
  #list(models) {
    const list = make("ul", { className: "listed", ariaLabel: t("own.models") });
    for (const model of models) {
      const row = make("li");
      list.append(row);
      if (model.default) row.append(make("span", { textContent: t("own.default", { name: model.name }) }));
      else this.#offerRemoval(row, model.name);
    }
    return list;
  }

  /** @param {Element} row @param {string} name */
  #offerRemoval(row, name) {
    const remove = button("own.no", () => this.#confirm(row, name));
    remove.textContent = t("own.yes");
    remove.ariaLabel = t("own.remove", { name });
    row.replaceChildren(make("span", { textContent: name }), remove);
  }

  /** Ask whether a model may go. @param {Element} row @param {string} name */
  #confirm(row, name) {
    const yes = button("own.yes", async () => {
      yes.ariaDisabled = "true";
      yes.textContent = t("own.removing");
      await this.#try(async () => {
        await removeModel(name, this.#key);
        this.#place.querySelector(".checks")?.setAttribute("hidden", ""); // they may be those of this model
        this.#place.closest("section")?.querySelector(".choice")?.remove(); // made anew where there are several left
        await this.#changed(t("own.removed", { name }));
      });
    });
    const no = button("own.no", () => this.#offerRemoval(row, name));
    row.replaceChildren(make("span", { textContent: t("own.sure", { name }) }), yes, no);
    no.focus();
  }

  /** @param {File} file @param {string} name @param {string} classes @param {HTMLElement} checks */
  async #add(file, name, classes, checks) {
    const marks = new Map(CHECKS.map((check) => [check, make("li", { textContent: t(textOf(check)) })]));
    checks.replaceChildren(...marks.values());
    checks.hidden = false;
    const waiting = [...CHECKS];
    const next = () => marks.get(waiting[0])?.setAttribute("data-state", "now");
    const passed = (/** @type {string} */ check, /** @type {string} */ found) => {
      waiting.splice(waiting.indexOf(check), 1);
      const mark = marks.get(check);
      mark?.setAttribute("data-state", "passed");
      mark?.replaceChildren(t(textOf(check)));
      if (found) mark?.append(make("span", { className: "hint", textContent: found, lang: "en" }));
      next();
    };
    next();
    const progress = (/** @type {number} */ share) => {
      const percent = Math.floor(100 * share);
      marks.get("upload")?.replaceChildren(t(percent < 100 ? "own.uploading" : "own.upload", { percent }));
    };
    try {
      const added = await addModel(file, { key: this.#key, name, classes, progress, passed });
      const use = button("own.use", () => {
        chooseModel(added.model);
        this.#again();
      });
      await this.#changed(t("own.added", { name: added.model }), use);
    } catch (error) {
      marks.get(waiting[0])?.setAttribute("data-state", "failed");
      throw error;
    }
  }

  /** Tell what was changed, and show the models as they are now. @param {string} words @param {HTMLElement[]} more */
  async #changed(words, ...more) {
    const models = await listModels(this.#key);
    this.#place.querySelector(".listed")?.replaceWith(this.#list(models));
    this.#told.replaceChildren(words, ...more);
    this.#again();
  }

  /**
   * Make a form whose button says that it works while it does.
   * @param {HTMLElement[]} fields
   * @param {string} words key of those on its button
   * @param {() => Promise<void>} send
   */
  #form(fields, words, send) {
    const form = make("form");
    const submit = make("button", { className: "button primary", textContent: t(words) });
    form.append(...fields, submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (submit.ariaDisabled === "true") return;
      submit.ariaDisabled = "true";
      if (words === "own.add") submit.textContent = t("own.adding");
      await this.#try(send);
      submit.ariaDisabled = null;
      submit.textContent = t(words);
    });
    return form;
  }

  /** Do something, and tell when it fails. @param {() => Promise<void>} work */
  async #try(work) {
    this.#told.replaceChildren();
    this.#notice.clear();
    try {
      await work();
    } catch (error) {
      const { code, message } = error instanceof ApiError ? error : { code: "", message: "" };
      const words = wordsFor(error);
      const inFull = ["invalid_request", "unauthorized"].includes(code) && words !== message;
      this.#notice.show(words, "", [], inFull ? message : "");
      if (code === "unauthorized") this.#forget();
    }
  }

  #forget() {
    sessionStorage.removeItem(KEPT_AS);
    this.#askForKey();
  }
}

/** @param {string} check */
function textOf(check) {
  return check === "classes" ? "own.classes.check" : `own.${check}`;
}

/** @param {string} key @param {() => void} click */
function button(key, click) {
  const made = make("button", { type: "button", className: "button quiet small", textContent: t(key) });
  made.addEventListener("click", click);
  return made;
}

/**
 * Put a label above a field and a hint below it.
 * @param {string} key
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {string} hint
 */
function labelled(key, field, hint) {
  const label = make("label", { className: "step" });
  const words = t(hint).split("`");
  const below = make("span", { className: "hint" });
  below.append(...words.map((part, index) => make(index % 2 ? "code" : "span", { textContent: part })));
  below.id = `${key}-hint`;
  field.setAttribute("aria-describedby", below.id);
  label.append(make("span", { className: "name", textContent: t(key) }), field);
  const whole = make("div", { className: "step" });
  whole.append(label, below);
  return whole;
}
