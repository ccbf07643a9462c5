/** What went wrong, in plain words, with buttons for what can be done about it. */

import { wordsFor } from "./errors.js";
import { called, t } from "./text.js";

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

  /**
   * @param {string} lead before the offers
   * @param {{text: string, choose: () => void}[]} offers
   * @param {string} more what the server says of it
   */
  show(message, lead = "", offers = [], more = "") {
    const box = element("div", "notice");
    box.append(element("p", "", message));
    if (more) {
      const quoted = element("p", "hint", more);
      quoted.lang = "en"; // the server's language
      box.append(quoted);
    }
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
    const offer = (names, choose) => names.map(called).map((text) => ({ text, choose: () => choose(text) }));
    if (code === "unknown_object" && details.suggestions?.length) {
      this.show(message, t("notice.replace"), offer(details.suggestions, (name) => replace(details.name, name)));
    } else if (code === "unknown_object") {
      this.show(message, "", [{ text: t("notice.browse"), choose: browse }]);
    } else if (code === "object_not_found" && details.found?.length) {
      this.show(message, t("notice.only"), offer(details.found, only));
    } else {
      const more = code === "invalid_request" && message !== error.message ? error.message : "";
      this.show(message, "", PASSES.has(code) ? [{ text: t("notice.retry"), choose: retry }] : [], more);
    }
  }
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
