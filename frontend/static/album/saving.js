/** Saving all cut-outs as one ZIP: progress, result and errors are shown. */

import { download } from "../files/output.js";
import { wordsFor } from "../words/errors.js";
import { t } from "../words/translate.js";
import { Pace } from "./pace.js";

export class Saving {
  #album;
  #strip;
  #notice;
  #result;
  #naming;
  /** @type {AbortController | null} of the ZIP that is being made */
  #running = null;

  /**
   * @param {object} parts
   * @param {import("./album.js").Album} parts.album
   * @param {import("./strip.js").Strip} parts.strip
   * @param {import("../form/notice.js").Notice} parts.notice
   * @param {import("../result/pane.js").ResultPane} parts.result
   * @param {(entry: import("./entry.js").Entry) => import("../files/naming.js").Naming} parts.naming
   */
  constructor({ album, strip, notice, result, naming }) {
    this.#album = album;
    this.#strip = strip;
    this.#notice = notice;
    this.#result = result;
    this.#naming = naming;
  }

  /** Whether a ZIP is being made. */
  get running() {
    return this.#running !== null;
  }

  stop() {
    this.#running?.abort();
  }

  /** Save every photo's cut-out. @param {string[]} names what is cut out where nothing is wanted yet */
  async run(names) {
    const own = new AbortController();
    this.#running = own;
    this.#notice.clear();
    const pace = new Pace(performance.now());
    try {
      const { file, count, missing } = await this.#album.save(names, {
        signal: own.signal,
        naming: this.#naming,
        tell: ({ done, count }) => {
          if (done) pace.done(performance.now());
          this.#strip.zipping = { done, count, left: pace.left(count - done) };
        },
        making: (...asked) => this.#result.making(...asked),
      });
      const told = count ? t("strip.zipped", { count }) : t("strip.none");
      this.#result.tell(told);
      if (file) download(file, "cut-outs.zip");
      const lines = missing.map(({ name, error }) => `${name}: ${wordsFor(error)}`);
      if (lines.length) this.#notice.show([told, t("strip.left-out"), ...lines].join("\n"));
    } catch (error) {
      if (own.signal.aborted) return;
      this.#notice.show(error instanceof RangeError ? t("strip.too-large") : wordsFor(error));
    } finally {
      this.#running = null;
      this.#strip.zipping = null;
    }
  }
}
