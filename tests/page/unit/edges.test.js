import assert from "node:assert/strict";
import { test } from "node:test";
import { Edges } from "../../../frontend/static/brush/edges.js";
import { tiles } from "../../../frontend/static/brush/tiles.js";

/** @typedef {import("../../../frontend/static/brush/tiles.js").Area} Area */
/** @typedef {(x: number, y: number) => number[]} Colour red, green, blue of a pixel */

/** A photo, and the brush's way of reading it. @param {number} width @param {number} height @param {Colour} colour */
function photoOf(width, height, colour) {
  const all = tiles(width, height);
  const read = new Map(
    all.map((tile) => {
      const data = new Uint8ClampedArray(tile.width * tile.height * 4);
      for (let at = 0; at < data.length / 4; at++) {
        const [x, y] = [tile.x + (at % tile.width), tile.y + Math.floor(at / tile.width)];
        data.set([...colour(x, y), 255], at * 4);
      }
      return [tile, data];
    }),
  );
  /** @type {any} what of a Picture is used: the others need a browser */
  const picture = {
    pixels: { width, height },
    under: (/** @type {number[]} */ ...[left, top, right, bottom]) =>
      all.filter(({ x, y, width, height }) => x < right && y < bottom && x + width > left && y + height > top),
  };
  const photoAt = (/** @type {Area} */ tile) => /** @type {Uint8ClampedArray} */ (read.get(tile));
  return { width, height, all, picture, photoAt };
}

/**
 * Tell how much of the disc around a line belongs to it, 0 to 1, on its own side and on the other.
 * @param {ReturnType<typeof photoOf>} photo
 * @param {number} radius
 * @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to on the same column
 * @param {(x: number, y: number) => number} inside how far a pixel is inside of its own side, px
 * @param {number} [soft] px along the border that are left out
 */
function shares(photo, radius, from, to, inside, soft = 1) {
  const belonging = new Edges(photo.picture, radius, photo.photoAt).along(from, to);
  const sums = { own: 0, other: 0 };
  const counts = { own: 0, other: 0 };
  const first = (/** @type {number} */ value) => Math.max(0, Math.floor(value - radius));
  for (const tile of photo.picture.under(from.x - radius, from.y - radius, to.x + radius, to.y + radius)) {
    const [left, top] = [Math.max(tile.x, first(from.x)), Math.max(tile.y, first(from.y))];
    const width = Math.min(tile.x + tile.width, Math.ceil(to.x + radius)) - left;
    const height = Math.min(tile.y + tile.height, Math.ceil(to.y + radius)) - top;
    for (const [at, part] of belonging(tile, { x: left, y: top, width, height }).entries()) {
      const [x, y] = [left + (at % width) + 0.5, top + Math.floor(at / width) + 0.5];
      if (Math.hypot(x - from.x, Math.max(from.y - y, 0, y - to.y)) > radius) continue;
      if (Math.abs(inside(x, y)) < soft) continue;
      const side = inside(x, y) > 0 ? "own" : "other";
      sums[side] += part / 255;
      counts[side]++;
    }
  }
  return { own: sums.own / counts.own, other: sums.other / counts.other };
}

/** Noise of about a normal distribution, the same in each run. @param {number} seed */
function noise(seed) {
  let state = seed;
  const next = () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, next).reduce((sum, value) => sum + value, -6);
}

// blur: how wide the border is, px
for (const { radius, noisy, blur, contrast, shade } of [
  { radius: 12, noisy: 0, blur: 0.1, contrast: 40, shade: 0 },
  { radius: 24, noisy: 8, blur: 0.5, contrast: 80, shade: 60 },
  { radius: 40, noisy: 8, blur: 1, contrast: 60, shade: 60 },
  { radius: 96, noisy: 6, blur: 1.5, contrast: 40, shade: 80 },
  { radius: 96, noisy: 15, blur: 2, contrast: 100, shade: 60 },
  { radius: 400, noisy: 8, blur: 3, contrast: 60, shade: 60 },
]) {
  test(`a brush of ${radius} px stays on its side of a border of ${contrast} levels under noise of ${noisy}`, () => {
    const side = 3 * radius + 40;
    const grain = noise(1);
    const border = (/** @type {number} */ y) => side / 2 + radius / 12 + 2 * Math.sin(y / 40);
    const photo = photoOf(side, side, (x, y) => {
      const part = 1 / (1 + Math.exp((border(y) - x) / blur));
      const light = shade * (y / side - 0.5) + noisy * grain();
      return [120 + contrast * part, 100 + 0.7 * contrast * part, 80 - 0.3 * contrast * part].map((c) => c + light);
    });
    const x = side / 2 - radius / 3;
    const ends = [
      { x, y: side / 2 - radius / 3 },
      { x, y: side / 2 + radius / 4 },
    ];
    const { own, other } = shares(photo, radius, ends[0], ends[1], (x, y) => border(y) - x, 1 + 2 * blur);
    assert.ok(own > 0.95, `own side ${own}`);
    assert.ok(other < 0.02, `other side ${other}`);
  });
}

test("without an edge all of the disc belongs to the stroke", () => {
  const photo = photoOf(300, 300, (x, y) => [40 + x / 3, 60 + y / 4, 90]);
  const { own } = shares(photo, 60, { x: 150, y: 140 }, { x: 150, y: 160 }, () => 9);
  assert.equal(own, 1);
});

test("what looks the same beyond a stripe is left", () => {
  const photo = photoOf(200, 200, (x) => (x >= 110 && x < 122 ? [200, 40, 40] : [90, 120, 90]));
  const { own, other } = shares(photo, 60, { x: 90, y: 80 }, { x: 90, y: 120 }, (x) => 110 - x);
  assert.ok(own > 0.95 && other < 0.02, `${own} ${other}`);
});

test("specks inside belong to it, and a hole does not", () => {
  const dot = (/** @type {number} */ x, /** @type {number} */ y) => Math.hypot(x - 75, y - 100);
  for (const [radius, expected] of [
    [3, 1],
    [14, 0],
  ]) {
    const photo = photoOf(200, 200, (x, y) => (dot(x, y) < radius ? [20, 20, 20] : [190, 170, 120]));
    const inside = (/** @type {number} */ x, /** @type {number} */ y) => radius - dot(x, y);
    const { own } = shares(photo, 46, { x: 100, y: 90 }, { x: 100, y: 110 }, inside, 2);
    assert.ok(Math.abs(own - expected) < 0.05, `${radius} px: ${own}`);
  }
});

test("everything that the line itself touches belongs to it", () => {
  const photo = photoOf(200, 200, (_, y) => (y < 100 ? [200, 40, 40] : [90, 120, 90]));
  const { own } = shares(photo, 40, { x: 100, y: 80 }, { x: 100, y: 120 }, () => 9);
  assert.ok(own > 0.99, `${own}`);
});

test("hairs beyond the border belong to their own side, as far as they cover a pixel", () => {
  const grain = noise(2);
  const covered = (/** @type {number} */ x, /** @type {number} */ y) => {
    if (x < 80) return 1;
    return x < 92 ? Math.min(1, Math.max(0, 1.5 - Math.abs(((y + 0.3 * x) % 12) - 6))) : 0;
  };
  const photo = photoOf(160, 160, (x, y) => {
    const alpha = covered(x, y);
    return [110 + 60 * alpha, 110 + 30 * alpha, 105 - 15 * alpha].map((level) => level + 5 * grain());
  });
  /** @type {[number, number, number][]} where the line is, what belongs to it of a pixel of the hair, how wrong it may be */
  const rows = [
    [62, 1, 0.055],
    [104, 0, 0.02],
  ];
  for (const [x, own, most] of rows) {
    const area = { x: 70, y: 60, width: 24, height: 40 };
    const [from, to] = [60, 100].map((y) => ({ x, y }));
    const belonging = new Edges(photo.picture, 40, photo.photoAt).along(from, to)(photo.all[0], area);
    let wrong = 0;
    for (const [at, part] of belonging.entries()) {
      const alpha = covered(area.x + (at % area.width), area.y + Math.floor(at / area.width));
      wrong += Math.abs(part / 255 - (own ? alpha : 1 - alpha)) / belonging.length;
    }
    assert.ok(wrong < most, `from ${x}: ${wrong}`);
  }
});
