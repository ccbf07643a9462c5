/**
 * Where the server is: where this page comes from, or at the address that a page hosted elsewhere holds in its
 * `<meta name="objectcut-server">`. Of several, the first, or the one that `?api=` names: a link can choose among them,
 * and have photos sent nowhere else.
 */

const MOST_SHOWN = 200; // characters of an address that a message repeats

/** @type {NodeListOf<HTMLMetaElement>} */
const metas = document.querySelectorAll('meta[name="objectcut-server"]');
const written = [...metas].flatMap(({ content }) => content.split(/\s+/).filter(Boolean));
const servers = written.length ? written.map(parsed) : [new URL(".", document.baseURI)];
const asked = new URLSearchParams(location.search).get("api");
const base = asked ? servers.find((server) => server?.href === parsed(asked)?.href) : servers[0];

/**
 * Why no server can be called: an address that is `written` into the page is none, or the one that is `asked` for is
 * not among them; else null. @type {{reason: "written" | "asked", address: string} | null}
 */
export const invalidServer = fault();

/** The server's name, with its port, when it is not where this page comes from; else null. */
export const host = !invalidServer && base && base.origin !== location.origin ? base.host : null;

/**
 * Return the full address of a call or a file of the server. Throws a TypeError when there is an `invalidServer`.
 * @param {string} path without a slash before it
 * @returns {string}
 */
export function address(path) {
  if (invalidServer || !base) throw new TypeError("The server has no address.");
  return new URL(path, base).href;
}

/** @returns {typeof invalidServer} */
function fault() {
  const wrong = servers.indexOf(null);
  if (wrong >= 0) return { reason: "written", address: written[wrong].slice(0, MOST_SHOWN) };
  return base ? null : { reason: "asked", address: String(asked).slice(0, MOST_SHOWN) };
}

/** @param {string} text @returns {URL | null} null for what is not the address of a server, or has a log-in in it */
function parsed(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  return new URL(url.origin + url.pathname.replace(/\/*$/, "/"));
}

let model = "";

/** @param {string} name of the model to ask; empty: the default */
export function chooseModel(name) {
  model = name;
}

/** @returns {{model?: string}} the field that names it, where it is not the default */
export function modelFields() {
  return model ? { model } : {};
}
