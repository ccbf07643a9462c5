/**
 * Calls of functions that run in a worker: the page's side, with serve.js on the other. The worker runs one after the
 * other, and answers each; in between it may send messages of its own. One that does not start is noticed.
 */

const START_MS = 20_000; // for a worker's first message, which it sends as soon as it can take calls

/**
 * @typedef {{serial: number, name: string, values: object}} Call
 * @typedef {{serial: number, answer?: any, error?: {name: string, message: string}}} Answer
 * @typedef {{started: true} | {message: any} | Answer} Sent by the worker
 */

export class Remote {
  #worker;
  #file;
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (problem: unknown) => void}>} by serial */
  #waiting = new Map();
  #serial = 0;
  #starting;
  #onmessage;

  /**
   * @param {URL} url of the worker's module
   * @param {(message: any) => void} [onmessage] called with what the worker sends between its answers
   */
  constructor(url, onmessage = () => {}) {
    this.#onmessage = onmessage;
    this.#file = url.pathname.replace(/^.*\//, "");
    this.#worker = new Worker(url, { type: "module" });
    this.#starting = setTimeout(() => this.#fail(`${this.#file} does not start`), START_MS);
    this.#worker.addEventListener("error", ({ message }) => this.#fail(message || `${this.#file} cannot be started`));
    this.#worker.addEventListener("message", ({ data }) => {
      clearTimeout(this.#starting);
      this.#hear(data);
    });
  }

  /**
   * Run a function of the worker.
   * @param {string} name
   * @param {object} [values] its argument
   * @returns {Promise<any>} its answer; rejects with its error, which keeps its name, with an AbortError when closed
   *   meanwhile, or with another error when the worker fails
   */
  ask(name, values = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(this.#serial, { resolve, reject });
      this.tell(name, values);
    });
  }

  /** Run a function of the worker, ignoring its answer. @param {string} name @param {object} [values] */
  tell(name, values = {}) {
    this.#worker.postMessage(/** @type {Call} */ ({ serial: this.#serial, name, values }));
    this.#serial++;
  }

  /** End the worker; calls that are under way are given up. */
  close() {
    this.#end(new DOMException("The worker was closed.", "AbortError"));
  }

  /** @param {Sent} sent */
  #hear(sent) {
    if ("message" in sent) this.#onmessage(sent.message);
    if (!("serial" in sent)) return;
    const { serial, answer, error } = sent;
    const waiting = this.#waiting.get(serial);
    this.#waiting.delete(serial);
    const problem = error && Object.assign(new Error(error.message), { name: error.name });
    if (!problem) waiting?.resolve(answer);
    else if (waiting) waiting.reject(problem);
    else throw problem;
  }

  /** @param {string} message */
  #fail(message) {
    this.#end(new Error(message));
  }

  /** @param {Error} problem */
  #end(problem) {
    clearTimeout(this.#starting);
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(problem);
    this.#waiting.clear();
  }
}
