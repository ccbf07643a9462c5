/**
 * A photo, read from a file or named by its address. Owns the checks that need no server. A photo behind an address is
 * fetched by the server alone: this page sends nothing to other hosts, so it cannot show that photo.
 */

import { t } from "../words/translate.js";

/**
 * @typedef {{blob: Blob, url?: undefined, name: string, stem: string}} FilePhoto stem: its name without the ending
 * @typedef {{url: string, blob?: undefined, name: string, stem: string}} AddressPhoto
 * @typedef {FilePhoto | AddressPhoto} Photo
 */

/** A photo that cannot be used; the message is for the person who chose it. */
export class PhotoProblem extends Error {}

/**
 * Read a photo. Rejects with a PhotoProblem.
 * @param {File} file
 * @returns {Promise<FilePhoto>}
 */
export async function fromFile(file) {
  if (file.type && !file.type.startsWith("image/")) {
    throw new PhotoProblem(t("source.no-photo", { name: file.name }));
  }
  let bytes;
  try {
    bytes = await file.arrayBuffer(); // a copy: the file may change or vanish before it is sent
  } catch {
    throw new PhotoProblem(t("source.unreadable", { name: file.name }));
  }
  if (!bytes.byteLength) throw new PhotoProblem(t("source.empty", { name: file.name }));
  return { blob: new Blob([bytes], { type: file.type }), name: file.name, stem: stem(file.name) };
}

/**
 * Name a photo by its address. Throws a PhotoProblem.
 * @param {string} text
 * @returns {AddressPhoto}
 */
export function fromAddress(text) {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^https?:$/.test(url.protocol) || /\s/.test(text.trim()) || !/[.:]|^localhost$/.test(url.hostname)) {
    throw new PhotoProblem(t("source.no-address"));
  }
  return { url: url.href, name: url.host + url.pathname, stem: stem(decoded(url.pathname.replace(/^.*\//, ""))) };
}

/** @param {string} fileName */
function stem(fileName) {
  return fileName.replace(/\.[^.]*$/, "") || "photo";
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
