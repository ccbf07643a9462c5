/** A POST that tells how much of it is sent, which `fetch` cannot. Otherwise it is used and fails as `fetch` does. */

const WORTH_TELLING = 1_000_000; // bytes; less is sent before a person could read it

/** An answer of the server, with the part of `Response` that this page uses. */
class Answer {
  #blob;

  constructor(request) {
    this.status = request.status;
    this.ok = request.status >= 200 && request.status < 300;
    this.headers = { get: (name) => request.getResponseHeader(name) };
    this.#blob = request.response;
  }

  async blob() {
    return this.#blob;
  }

  async json() {
    return JSON.parse(await this.#blob.text());
  }
}

/**
 * @param {string} address
 * @param {{body: FormData, headers?: Record<string, string>, signal?: AbortSignal,
 *   progress?: (share: number) => void}} options `progress` is called with 0 to 1, for a large body only
 * @returns {Promise<Answer>} rejects with the signal's reason, or a TypeError when there is no connection
 */
export function upload(address, { body, headers = {}, signal, progress }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", address);
    request.responseType = "blob";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) {
      const tell = ({ lengthComputable, loaded, total }) => {
        if (lengthComputable && total > WORTH_TELLING) progress(loaded / total);
      };
      request.upload.addEventListener("progress", tell);
    }
    request.addEventListener("load", () => resolve(new Answer(request)));
    request.addEventListener("abort", () => reject(signal.reason));
    request.addEventListener("error", () => reject(new TypeError("The server cannot be reached.")));
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}
