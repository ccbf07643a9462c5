/** What went wrong, in plain words, with buttons for what can be done about it. */

import { t } from "./text.js";

/** Errors that need no word of the server. */
const PLAIN = new Set(["not_ready", "overloaded"]);
const PASSES = new Set(["unreachable", "not_ready", "overloaded", "rate_limited", "url_unreachable", "unexpected", "internal"]);

export class Notice {
  #place;
  #countdown = null;
  #hurry = null;

  /** @param place an element with role="alert": what is put there is read out. */
  constructor(place) {
    this.#place = place;
  }

  clear() {
    this.#place.replaceChildren();
  }

  /** @param {{text: string, choose: () => void}[]} offers */
  show(message, lead = "", offers = []) {
    const box = element("div", "notice");
    box.append(element("p", "", message));
    if (offers.length) {
      const row = element("div", "offers");
      if (lead) row.append(element("span", "hint", lead));
      for (const { text, choose } of offers) {
        const button = element("button", "button quiet small", text);
        button.type = "button";
        button.addEventListener("click", choose);
        row.append(button);
      }
      box.append(row);
    }
    this.#place.replaceChildren(box);
    this.#place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  /**
   * A call that is made again after a while; null when it is.
   * @param {import("./patient.js").Wait | null} wait
   */
  wait(wait) {
    if (!wait) {
      if (this.#countdown?.isConnected) this.clear();
      return;
    }
    if (!this.#countdown?.isConnected) {
      this.#countdown = element("span", "hint");
      this.#countdown.ariaLive = "off"; // nobody wants every second read out
      this.show(wordsFor(wait.error), t("notice.again"), [{ text: t("notice.retry"), choose: () => this.#hurry() }]);
      this.#place.querySelector(".offers .hint").after(this.#countdown);
    }
    this.#hurry = wait.hurry;
    this.#countdown.textContent = t("notice.seconds", { seconds: wait.seconds });
  }

  /**
   * A failed call of the server.
   * @param {import("./api.js").ApiError} error
   * @param {{retry: () => void, replace: (wrong: string, right: string) => void, only: (name: string) => void,
   *   browse: () => void}} actions
   */
  tell(error, { retry, replace, only, browse }) {
    const { code, details } = error;
    const message = wordsFor(error);
    if (code === "unknown_object" && details.suggestions?.length) {
      this.show(message, t("notice.replace"), details.suggestions.map((text) => ({ text, choose: () => replace(details.name, text) })));
    } else if (code === "unknown_object") {
      this.show(message, "", [{ text: t("notice.browse"), choose: browse }]);
    } else if (code === "object_not_found" && details.found?.length) {
      this.show(message, t("notice.only"), details.found.map((text) => ({ text, choose: () => only(text) })));
    } else {
      this.show(message, "", PASSES.has(code) ? [{ text: t("notice.retry"), choose: retry }] : []);
    }
  }
}

function wordsFor({ code, message, requestId }) {
  if (PLAIN.has(code)) return t(`error.${code}`);
  return code === "internal" && requestId ? `${message} ${t("error.request", { id: requestId })}` : message;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
