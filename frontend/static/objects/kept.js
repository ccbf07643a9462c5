/**
 * What the final cut-out keeps, drawn on the photo: a line around it, and a hole in what dims the rest. The browser makes
 * both of the picture itself by SVG filters: no pixel is read back, which some browsers falsify on purpose.
 */

import { drawn } from "./drawn.js";

const SETTLE_MS = 1500; // after a cut-out is there: to read a large one takes long, and what a person does next comes first
const LONGEST = 1600; // px; a larger picture is drawn no finer, and each drawing of it takes long
const LINE_PX = 3; // on the screen, all of it beyond the object's edge
const CASING_PX = 4.5;

export class Kept {
  /** To be put on the photo, in an `<svg>` with its pixels as units. */
  line = drawn("g", {});
  /** To be put into the mask of what dims the photo. */
  hole = drawn("g", {});
  #dilations = [drawn("feMorphology", {}), drawn("feMorphology", {})];
  #size = [0, 0];
  #address = "";
  #number = 0; // of the latest call of `show` or `clear`
  #scale = 1;

  /** Leave room for the cut-out of a photo. @param {number} width px @param {number} height px */
  open(width, height) {
    this.clear();
    this.#size = [width, height];
  }

  /**
   * Draw it. Resolves when it is drawn, or to false where it cannot be, or another one took its place.
   * @param {Blob} cutout transparent, as large as the photo
   * @returns {Promise<boolean>}
   */
  async show(cutout) {
    this.#number++;
    const own = this.#number;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    if (this.#number !== own) return false;
    const small = await reduced(cutout, this.#size).catch(() => null);
    if (this.#number !== own || !small) return false;
    this.clear();
    this.#address = URL.createObjectURL(small);
    this.line.append(this.#rim(), this.#image("kept-rim"));
    this.hole.append(this.#black(), this.#image("kept-black"));
    this.scale = this.#scale;
    return true;
  }

  clear() {
    this.#number++;
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = "";
    this.line.replaceChildren();
    this.hole.replaceChildren();
  }

  /** Screen px per px of the photo: the line is as wide on the screen whatever that is. */
  set scale(/** @type {number} */ scale) {
    this.#scale = scale;
    for (const [index, width] of [CASING_PX, LINE_PX].entries()) {
      this.#dilations[index].setAttribute("radius", String(width / scale));
    }
  }

  /** @param {string} filter */
  #image(filter) {
    const [width, height] = this.#size.map(String);
    return drawn("image", { href: this.#address, width, height, filter: `url(#${filter})` });
  }

  /** @param {string} id */
  #filter(id) {
    const [width, height] = this.#size.map(String);
    return drawn("filter", { id, x: "0", y: "0", width, height, filterUnits: "userSpaceOnUse" });
  }

  /** The cut-out's alpha in black. */
  #black() {
    const filter = this.#filter("kept-black");
    filter.append(drawn("feComposite", { in: "SourceAlpha", in2: "SourceAlpha", operator: "in" }));
    return filter;
  }

  /** Two lines around the cut-out, a light one and a dark one. */
  #rim() {
    const filter = this.#filter("kept-rim");
    const inside = drawn("feComponentTransfer", { in: "SourceAlpha", result: "inside" });
    inside.append(drawn("feFuncA", { type: "linear", slope: "9", intercept: "-4" })); // its edge is where half is kept
    const [casing, line] = this.#dilations;
    filter.append(inside);
    for (const [dilation, name] of /** @type {[SVGElement, string][]} */ ([
      [casing, "casing"],
      [line, "line"],
    ])) {
      dilation.setAttribute("in", "inside");
      dilation.setAttribute("operator", "dilate");
      dilation.setAttribute("result", `${name}-shape`);
      filter.append(
        dilation,
        drawn("feFlood", { class: `kept-${name}` }),
        drawn("feComposite", { in2: `${name}-shape`, operator: "in", result: name }),
      );
    }
    filter.append(
      drawn("feComposite", { in: "line", in2: "casing", operator: "over" }),
      drawn("feComposite", { in2: "inside", operator: "out" }),
    );
    return filter;
  }
}

/**
 * Return a picture as PNG, no longer than LONGEST.
 * @param {Blob} picture
 * @param {number[]} size width and height, px
 */
async function reduced(picture, [width, height]) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  if (scale === 1) return picture;
  const [resizeWidth, resizeHeight] = [width, height].map((side) => Math.max(Math.round(side * scale), 1));
  const bitmap = await createImageBitmap(picture, { resizeWidth, resizeHeight, resizeQuality: "medium" });
  const canvas = new OffscreenCanvas(resizeWidth, resizeHeight);
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  return canvas.convertToBlob();
}
