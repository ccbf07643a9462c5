/** Ways to give a finished picture to the person: as a file, on the clipboard, or to another app. */

import { make } from "../elements.js";
import { isAbort } from "../server/api.js";

const KEEP_MS = 60_000; // a slow disk, or a person asked where to save, may still read from the address

/** Save the blob among the person's downloads. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}

/** Return whether this browser, on this kind of connection, puts a picture on the clipboard. @param {Blob} blob */
export function canCopy(blob) {
  const can = typeof navigator.clipboard?.write === "function" && "ClipboardItem" in globalThis;
  return can && blob.type.startsWith("image/");
}

/** Put the picture on the clipboard, as PNG whatever it is: browsers take no other kind. @param {Blob} blob */
export async function copy(blob) {
  // A promise, because Safari wants the call itself within the person's click.
  await navigator.clipboard.write([new ClipboardItem({ "image/png": asPng(blob) })]);
}

/** Return whether this device can hand the file to another app. @param {Blob} blob @param {string} name */
export function canShare(blob, name) {
  return Boolean(navigator.canShare?.({ files: [asFile(blob, name)] }));
}

/**
 * Let the person choose an app for the file.
 * @param {Blob} blob
 * @param {string} name
 * @returns {Promise<boolean>} false when they chose none
 */
export async function share(blob, name) {
  try {
    await navigator.share({ files: [asFile(blob, name)] });
    return true;
  } catch (error) {
    if (isAbort(error)) return false;
    throw error;
  }
}

/** @param {Blob} blob @param {string} name */
function asFile(blob, name) {
  return new File([blob], name, { type: blob.type });
}

/** @param {Blob} blob */
async function asPng(blob) {
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = make("canvas", { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  /** @type {Blob | null} */
  const png = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!png) throw new Error("the picture is too large for a canvas");
  return png;
}
