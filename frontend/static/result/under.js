/** Elements that show what lies below a cut-out: a colour, or another picture that fills the room. */

import { colourBehind } from "../compose/behind.js";
import { unreadable } from "../compose/fields.js";
import { make } from "../elements.js";
import { layer } from "../viewer/layer.js";
import { placed } from "../viewer/place.js";

/** @typedef {import("../compose/fields.js").Finish} Finish */

/** @type {{source: File, element: HTMLElement} | null} the latest picture, decoded */
let latest = null;

/**
 * Show what lies below a cut-out.
 * @param {Finish} finish
 * @returns {Promise<HTMLElement>} as large as the picture; rejects with an error named UNREADABLE
 */
export async function under(finish) {
  const element = make("div", { className: "below-cutout" });
  element.style.backgroundColor = colourBehind(finish) ?? "";
  if (finish.background_image) element.append(await covering(finish.background_image, finish.backdrop_position));
  return element;
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
      latest = { source, element: await layer(source) };
    } catch {
      throw unreadable(source);
    }
  }
  latest.element.style.objectPosition = position;
  return latest.element;
}
