/** A POST that tells how much of it is sent, which `fetch` cannot. Otherwise it is used and fails as `fetch` does. */

const WORTH_TELLING = 1_000_000; // bytes; less is sent before a person could read it
const SILENCE_MS = 150_000; // more than the gateway's own timeout: a server that sends nothing for so long is away

/** An answer of the server, with the part of `Response` that this page uses. */
class Answer {
  /** @type {Blob} */
  #blob;

  /** @param {XMLHttpRequest} request that is done */
  constructor(request) {
    this.status = request.status;
    this.ok = request.status >= 200 && request.status < 300;
    this.headers = { get: (/** @type {string} */ name) => request.getResponseHeader(name) };
    this.#blob = request.responseType === "text" ? new Blob([request.response]) : request.response;
  }

  async blob() {
    return this.#blob;
  }

  async json() {
    return JSON.parse(await this.#blob.text());
  }
}

/**
 * Send a form or a file.
 * @param {string} address
 * @param {{body: FormData | File, headers?: Record<string, string>, signal?: AbortSignal, silenceMs?: number,
 *   progress?: (share: number) => void, told?: (text: string) => void}} options `progress` is called with 0 to 1, for a
 *   large body only; `told` with all of the answer that has come, an answer in words
 * @returns {Promise<Answer>} rejects with the signal's reason, or a TypeError when there is no connection, or nothing
 *   comes over it any more
 */
export function upload(address, { body, headers = {}, signal, silenceMs = SILENCE_MS, progress, told }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let silence = setTimeout(abort, silenceMs);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(abort, silenceMs);
    };
    request.open("POST", address);
    request.responseType = told ? "text" : "blob";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) {
      request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
        heard();
        if (lengthComputable && total > WORTH_TELLING) progress(loaded / total);
      });
    }
    request.addEventListener("progress", () => {
      heard();
      told?.(request.responseText);
    });
    request.addEventListener("load", () => resolve(new Answer(request)));
    const away = () => reject(new TypeError("The server cannot be reached."));
    request.addEventListener("abort", () => {
      if (signal?.aborted) reject(signal.reason);
      else away();
    });
    request.addEventListener("error", away);
    request.addEventListener("loadend", () => {
      clearTimeout(silence);
      signal?.removeEventListener("abort", abort);
    });
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}
