/** Elements that show what lies below a cut-out: a colour, or another picture that fills the room. */

import { colourBehind } from "../compose/behind.js";
import { unreadable } from "../compose/fields.js";
import { make } from "../elements.js";
import { decoded } from "../viewer/layer.js";
import { placed } from "../viewer/place.js";

/** @typedef {import("../compose/fields.js").Finish} Finish */

/** @type {{source: File, image: HTMLImageElement} | null} the latest picture, decoded */
let latest = null;

/**
 * Show what lies below a cut-out.
 * @param {Finish} finish
 * @returns {Promise<{element: HTMLElement, image: HTMLImageElement | null}>} element: as large as the picture; image: the
 *   other picture in it. Rejects with an error named UNREADABLE
 */
export async function under(finish) {
  const element = make("div", { className: "below-cutout" });
  element.style.backgroundColor = colourBehind(finish) ?? "";
  const { background_image: source, backdrop_position: position } = finish;
  const image = source ? await covering(source, position) : null;
  if (image) element.append(image);
  return { element, image };
}

/**
 * Return an element that shows a part of the photo's plane.
 * @param {import("../brush/brushworker.js").Layer} layer is closed
 * @param {import("../viewer/place.js").Place} place of the photo
 */
export function part({ bitmap, box: [x0, y0, x1, y1] }, { x, y, scaleX, scaleY }) {
  const canvas = make("canvas", { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  const place = { width: x1 - x0, height: y1 - y0, x: x + x0 * scaleX, y: y + y0 * scaleY, scaleX, scaleY };
  return placed(canvas, place);
}

/** @param {File} source @param {string} [position] as CSS has it */
async function covering(source, position = "") {
  if (latest?.source !== source) {
    try {
      latest = { source, image: await decoded(source) };
    } catch {
      throw unreadable(source);
    }
  }
  latest.image.style.objectPosition = position;
  return latest.image;
}
