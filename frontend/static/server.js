/**
 * Where the server is: where this page comes from, or at the address that a page hosted elsewhere holds in its
 * `<meta name="objectcut-server">`. Of several, the first, or the one that `?api=` says: a link can choose among them,
 * and have photos sent nowhere else.
 */

const MOST_SAID = 200; // letters of an address that words repeat

const named = document.querySelectorAll('meta[name="objectcut-server"]');
const written = [...named].flatMap(({ content }) => words(content));
const servers = written.length ? written.map(parsed) : [new URL(".", document.baseURI)];
const asked = new URLSearchParams(location.search).get("api");
const base = asked ? servers.find((server) => server?.href === parsed(asked)?.href) : servers[0];

/**
 * Why no server can be called: an address that is `written` into the page is none, or the one that is `asked` for is
 * not among them; else null. @type {{reason: "written" | "asked", address: string} | null}
 */
export const misnamed = fault();

/** The server's name, with its port, when it is not where this page comes from; else null. */
export const host = !misnamed && base.origin !== location.origin ? base.host : null;

/**
 * @param {string} path of a call or a file of the server, without a slash before it
 * @returns {string} its full address; throws a TypeError when the server is `misnamed`
 */
export function address(path) {
  if (misnamed) throw new TypeError("The server has no address.");
  return new URL(path, base).href;
}

function fault() {
  const wrong = servers.indexOf(null);
  if (wrong >= 0) return { reason: "written", address: written[wrong].slice(0, MOST_SAID) };
  return base ? null : { reason: "asked", address: asked.slice(0, MOST_SAID) };
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}

/** @returns {URL | null} null for what is no address of a server; browsers refuse a log-in in it */
function parsed(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  return new URL(url.origin + url.pathname.replace(/\/*$/, "/"));
}
