/** Functions of a worker that the page can call: the worker's side, with remote.js on the other. */

/** @typedef {import("./remote.js").Sent} Sent */

/**
 * Run what the page calls, one after the other. An ImageBitmap that a function answers is handed over.
 * @param {Record<string, (values: any) => unknown>} functions by name; each may return a promise
 */
export function serve(functions) {
  let last = Promise.resolve();
  addEventListener("message", ({ data }) => {
    last = last.then(() => run(functions, data));
  });
  post({ started: true });
}

/**
 * Send the page a message beside the answers.
 * @param {object} message
 * @param {Transferable[]} [transfer] is handed over
 */
export function send(message, transfer = []) {
  post({ message }, transfer);
}

/** @param {Record<string, (values: any) => unknown>} functions @param {import("./remote.js").Call} call */
async function run(functions, { serial, name, values }) {
  try {
    const answer = await functions[name](values);
    post({ serial, answer }, answer instanceof ImageBitmap ? [answer] : []);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    post({ serial, error: { name, message } });
  }
}

/** @param {Sent} sent @param {Transferable[]} [transfer] */
function post(sent, transfer = []) {
  postMessage(sent, { transfer });
}
