/** The message about what went wrong, with buttons for what can be done about it. */

import { find, make } from "../elements.js";
import { wordsFor } from "../words/errors.js";
import { localName, t } from "../words/translate.js";

/** Codes of errors after which another try may succeed. */
const TEMPORARY = new Set(
  "unreachable not_ready overloaded rate_limited url_unreachable unexpected internal".split(" "),
);

/** @typedef {{text: string, choose: () => void}} Offer */

/**
 * @typedef {object} Actions what can be done about an error
 * @property {() => void} retry
 * @property {(wrong: string, right: string) => void} replace
 * @property {(name: string) => void} only
 * @property {() => void} browse
 * @property {() => void} box let a person draw one
 */

export class Notice {
  #place;
  /** @type {HTMLElement | null} */
  #countdown = null;
  #retryNow = () => {};

  /** @param {Element} place has role="alert": what is put there is read out */
  constructor(place) {
    this.#place = place;
  }

  clear() {
    this.#place.replaceChildren();
  }

  /**
   * @param {string} message
   * @param {string} [lead] before the offers
   * @param {Offer[]} [offers]
   * @param {string} [more] the server's own message
   */
  show(message, lead = "", offers = [], more = "") {
    const box = make("div", { className: "notice" });
    box.append(make("p", { textContent: message }));
    if (more) box.append(make("p", { className: "hint", textContent: more, lang: "en" })); // the server's language
    if (offers.length) {
      const row = make("div", { className: "offers" });
      if (lead) row.append(make("span", { className: "hint", textContent: lead }));
      for (const { text, choose } of offers) {
        const button = make("button", { type: "button", className: "button quiet small", textContent: text });
        button.addEventListener("click", choose);
        row.append(button);
      }
      box.append(row);
    }
    this.#place.replaceChildren(box);
    this.#place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  /**
   * Show that a call is made again after a while; with null, that it is made.
   * @param {import("../server/retry.js").Wait | null} wait
   */
  wait(wait) {
    if (!wait) {
      if (this.#countdown?.isConnected) this.clear();
      return;
    }
    if (!this.#countdown?.isConnected) {
      this.#countdown = make("span", { className: "hint", ariaLive: "off" }); // not every second is read out
      this.show(wordsFor(wait.error), t("notice.again"), [{ text: t("notice.retry"), choose: () => this.#retryNow() }]);
      find(this.#place, ".offers .hint", HTMLElement).after(this.#countdown);
    }
    this.#retryNow = wait.retryNow;
    this.#countdown.textContent = t("notice.seconds", { seconds: wait.seconds });
  }

  /**
   * Show a failed call of the server.
   * @param {import("../server/api.js").ApiError} error
   * @param {Actions} actions
   */
  tell(error, { retry, replace, only, browse, box }) {
    const { code, details } = error;
    const { name = "", suggestions = [], found = [] } = details;
    const message = wordsFor(error);
    const offer = (/** @type {string[]} */ names, /** @type {(name: string) => void} */ choose) =>
      names.map(localName).map((text) => ({ text, choose: () => choose(text) }));
    const draw = { text: t("boxing.start"), choose: box };
    if (code === "unknown_object" && suggestions.length) {
      this.show(
        message,
        t("notice.replace"),
        offer(suggestions, (right) => replace(name, right)),
      );
    } else if (code === "unknown_object") {
      this.show(message, "", [{ text: t("notice.browse"), choose: browse }, draw]);
    } else if (code === "object_not_found") {
      this.show(message, found.length ? t("notice.only") : "", [...offer(found, only), draw]);
    } else {
      const more = code === "invalid_request" && message !== error.message ? error.message : "";
      this.show(message, "", TEMPORARY.has(code) ? [{ text: t("notice.retry"), choose: retry }] : [], more);
    }
  }
}
