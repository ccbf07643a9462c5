/** Where the server is: where this page comes from, or at the address that a page hosted elsewhere is given by `?api=`. */

const asked = new URLSearchParams(location.search).get("api");
const base = asked ? parsed(asked) : new URL(document.baseURI);

/** The server's name, with its port, when it is not where this page comes from; else null. */
export const host = base && base.origin !== location.origin ? base.host : null;

/** What `?api=` says when that is no address; else null. Nothing is sent anywhere then. */
export const misnamed = base ? null : asked;

/**
 * @param {string} path of a call or a file of the server, without a slash before it
 * @returns {string} its full address; throws a TypeError when the server is `misnamed`
 */
export function address(path) {
  if (!base) throw new TypeError("The server has no address.");
  return new URL(path, base).href;
}

function parsed(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (!/^https?:$/.test(url.protocol) || url.username || url.password) return null; // browsers refuse a log-in in it
  return new URL(url.origin + url.pathname.replace(/\/*$/, "/"));
}
