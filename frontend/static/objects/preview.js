/** The cut-outs of one photo at the size of a preview, drawn while objects are taken and left. */

import { around, grouped, overlap, put, together } from "./planes.js";

/** @typedef {import("./planes.js").Plane} Plane */

export class Preview {
  #photo;
  #planes;
  /** @type {Map<Plane, Map<Plane, boolean>>} whether both belong to one group; as far as it was asked */
  #related = new Map();
  /** @type {Set<Plane>} */
  #taken = new Set();
  /** @type {Plane[][]} of the taken planes */
  #groups = [];
  #sum; // what is taken, as one plane: a toggle touches one object's box, or those of the groups that it joins or parts
  #alpha;
  #canvas;

  /**
   * @param {OffscreenCanvas} photo at the size of the preview
   * @param {Map<number, Plane>} planes by id
   */
  constructor(photo, planes) {
    const { width, height } = photo;
    this.#photo = photo;
    this.#planes = planes;
    this.#sum = { x: 0, y: 0, width, height, alpha: new Uint8ClampedArray(width * height) };
    this.#alpha = new ImageData(width, height);
    this.#canvas = new OffscreenCanvas(width, height);
  }

  /**
   * Draw the photo where one of these objects is, or with `invert` where none is.
   * @param {Iterable<number>} ids
   * @param {boolean} invert
   * @returns {ImageBitmap}
   */
  draw(ids, invert) {
    const wanted = new Set(ids);
    this.#take(new Set([...this.#planes].filter(([id]) => wanted.has(id)).map(([, plane]) => plane)));
    const flip = invert ? 255 : 0;
    const { alpha } = this.#sum;
    const pixels = new Uint32Array(this.#alpha.data.buffer); // RGBA in little-endian order: alpha is the high byte
    for (let at = 0; at < pixels.length; at++) pixels[at] = (alpha[at] ^ flip) << 24;
    const context = this.#canvas.getContext("2d");
    if (!context) throw new Error("no canvas for a preview");
    context.putImageData(this.#alpha, 0, 0);
    context.globalCompositeOperation = "source-in"; // no pixel is read back, which some browsers falsify on purpose
    context.drawImage(this.#photo, 0, 0);
    return this.#canvas.transferToImageBitmap();
  }

  /** @param {Set<Plane>} taken */
  #take(taken) {
    const groups = grouped(taken, (one, other) => this.#areRelated(one, other));
    const kept = new Set([...taken].filter((plane) => this.#taken.has(plane)));
    const [before, after] = [companions(this.#groups, kept), companions(groups, kept)];
    // One that stays changes nothing, unless others that stay join its group, or leave it.
    const stays = (/** @type {Plane} */ plane) => kept.has(plane) && same(before.get(plane), after.get(plane));
    const changed = [...new Set([...this.#taken, ...taken])].filter((plane) => !stays(plane));
    this.#taken = taken;
    this.#groups = groups;
    if (changed.length) put(this.#sum, together(groups, around(changed)));
  }

  /** @param {Plane} one @param {Plane} other */
  #areRelated(one, other) {
    const known = this.#related.get(one) ?? new Map();
    this.#related.set(one, known);
    if (!known.has(other)) known.set(other, overlap(one, other));
    return known.get(other);
  }
}

/** Map each kept plane to those of its group that are kept. @param {Plane[][]} groups @param {Set<Plane>} kept */
function companions(groups, kept) {
  const own = groups.map((group) => group.filter((plane) => kept.has(plane)));
  return new Map(own.flatMap((group) => group.map((plane) => [plane, group])));
}

/** @param {Plane[]} [group] @param {Plane[]} [other] */
function same(group = [], other = []) {
  return group.length === other.length && group.every((plane) => other.includes(plane));
}
