/**
 * The alpha of several objects together, by the server's rule. One object that was found twice, or an object and its
 * parts, are a group, whose alpha at a pixel is the largest of theirs: its edge stays as soft as that of one. The alphas
 * of groups are added: side by side, two soft edges that complete each other leave no seam. Pure functions.
 */

const INSIDE = 127; // alpha above it is inside

/** @typedef {{x: number, y: number, width: number, height: number}} Area px of the picture */

/**
 * @typedef {object} Plane alpha of a part of a picture; all around it is 0
 * @property {number} x left, px of the picture
 * @property {number} y top, px of the picture
 * @property {number} width px
 * @property {number} height px
 * @property {Uint8Array | Uint8ClampedArray} alpha (height, width), 0 to 255
 */

/** Return whether more than half of the smaller one's inside is the other's, too. @param {Plane} a @param {Plane} b */
export function overlap(a, b) {
  if (!meet(a, b)) return false;
  const half = Math.min(areaOf(a), areaOf(b)) / 2;
  let shared = 0;
  eachRow(a, b, (atA, atB, length) => {
    for (let x = 0; x < length; x++) shared += a.alpha[atA + x] > INSIDE && b.alpha[atB + x] > INSIDE ? 1 : 0;
  });
  return shared > half;
}

/**
 * Divide planes into groups.
 * @param {Iterable<Plane>} planes
 * @param {(a: Plane, b: Plane) => boolean} related
 * @returns {Plane[][]} groups; each holds whatever is related to one of its own
 */
export function grouped(planes, related) {
  /** @type {Plane[][]} */
  let groups = [];
  for (const plane of planes) {
    const joins = groups.map((group) => group.some((other) => related(plane, other)));
    const joined = groups.filter((_, index) => joins[index]);
    groups = [...groups.filter((_, index) => !joins[index]), [...joined.flat(), plane]];
  }
  return groups;
}

/**
 * Put together the alpha of all groups in a part of the picture.
 * @param {Plane[][]} groups
 * @param {Area} part
 * @returns {Plane} as large as `part`
 */
export function together(groups, part) {
  const sum = { ...part, alpha: new Uint8ClampedArray(part.width * part.height) }; // does not go beyond 255
  for (const group of groups) {
    const plane = group.length > 1 ? largest(group, part) : group[0];
    eachRow(sum, plane, (to, from, length) => {
      for (let x = 0; x < length; x++) sum.alpha[to + x] += plane.alpha[from + x];
    });
  }
  return sum;
}

/** @param {Plane[]} group @param {Area} part @returns {Plane} */
function largest(group, part) {
  const most = { ...part, alpha: new Uint8Array(part.width * part.height) };
  for (const plane of group) {
    eachRow(most, plane, (to, from, length) => {
      for (let x = 0; x < length; x++) most.alpha[to + x] = Math.max(most.alpha[to + x], plane.alpha[from + x]);
    });
  }
  return most;
}

/** Write `plane` over what is there. @param {Plane} onto @param {Plane} plane lies inside of it */
export function put(onto, plane) {
  eachRow(onto, plane, (to, from, length) => onto.alpha.set(plane.alpha.subarray(from, from + length), to));
}

/** Return the smallest part of a picture in which these lie. @param {Plane[]} planes at least one @returns {Area} */
export function around(planes) {
  const [x, y] = [Math.min(...planes.map((plane) => plane.x)), Math.min(...planes.map((plane) => plane.y))];
  const right = Math.max(...planes.map((plane) => plane.x + plane.width));
  const bottom = Math.max(...planes.map((plane) => plane.y + plane.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** @type {WeakMap<Plane, number>} pixels inside */
const areas = new WeakMap();

/** @param {Plane} plane */
function areaOf(plane) {
  let area = areas.get(plane) ?? 0;
  if (!areas.has(plane)) {
    for (let at = 0; at < plane.alpha.length; at++) area += plane.alpha[at] > INSIDE ? 1 : 0;
    areas.set(plane, area);
  }
  return area;
}

/** @param {Area} a @param {Area} b */
function meet(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * Call `visit` for each row of what two planes share: where it begins in either, and how long it is.
 * @param {Area} a
 * @param {Area} b
 * @param {(inA: number, inB: number, length: number) => void} visit
 */
function eachRow(a, b, visit) {
  const left = Math.max(a.x, b.x);
  const length = Math.min(a.x + a.width, b.x + b.width) - left;
  const bottom = Math.min(a.y + a.height, b.y + b.height);
  if (!meet(a, b)) return;
  for (let y = Math.max(a.y, b.y); y < bottom; y++) {
    visit((y - a.y) * a.width + left - a.x, (y - b.y) * b.width + left - b.x, length);
  }
}
