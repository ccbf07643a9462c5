/** Starts the page's workers, and notices those that do not start: nobody waits for ever. */

const START_MS = 20_000; // for a worker's first message, which it sends as soon as it can take orders

/**
 * @param {string} name of the worker's file
 * @param {(data: object) => void} hear takes every message
 * @param {(problem: Error) => void} fail takes why it does nothing any more; not called once it is terminated
 * @returns {{post: (order: object) => void, terminate: () => void}}
 */
export function begin(name, hear, fail) {
  const worker = new Worker(new URL(name, import.meta.url), { type: "module" });
  const end = () => {
    clearTimeout(timer);
    worker.terminate();
  };
  const give = (message) => {
    end();
    fail(new Error(message));
  };
  const timer = setTimeout(() => give(`${name} does not start`), START_MS);
  worker.addEventListener("error", (event) => give(event.message || `${name} cannot be started`));
  worker.addEventListener("message", ({ data }) => {
    clearTimeout(timer);
    hear(data);
  });
  return { post: (order) => worker.postMessage(order), terminate: end };
}
