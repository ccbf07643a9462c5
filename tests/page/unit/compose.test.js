import assert from "node:assert/strict";
import { test } from "node:test";
import { plain, rgb } from "../../../frontend/static/compose/behind.js";
import { blurred, radiusOf } from "../../../frontend/static/compose/blur.js";
import { bounds, composed } from "../../../frontend/static/compose/compose.js";
import { divided, isPlain, markUnreadable } from "../../../frontend/static/compose/fields.js";

/** 4 by 3 pixels: one red, one half transparent green. */
const CUTOUT = { width: 4, height: 3, data: new Uint8ClampedArray(4 * 3 * 4) };
CUTOUT.data.set([255, 0, 0, 255, 0, 200, 0, 128], (1 * 4 + 1) * 4);

/** @param {import("../../../frontend/static/files/png.js").Pixels} pixels @param {number} x @param {number} y */
function at({ width, data }, x, y) {
  return [...data.subarray((y * width + x) * 4, (y * width + x + 1) * 4)];
}

test("the box is around all that is not wholly transparent", () => {
  assert.deepEqual(bounds(CUTOUT), [1, 1, 3, 2]);
  assert.equal(bounds({ width: 2, height: 1, data: new Uint8ClampedArray(8) }), null);
});

test("without anything to be made the picture is the cut-out", () => {
  assert.deepEqual(composed(CUTOUT, {}, []), CUTOUT);
});

test("a colour shows where the cut-out does not hide it", () => {
  const picture = composed(CUTOUT, { background: "#0000ff" }, [plain(rgb("#0000ff"))]);
  assert.deepEqual(
    [at(picture, 0, 0), at(picture, 1, 1)],
    [
      [0, 0, 255, 255],
      [255, 0, 0, 255],
    ],
  );
  assert.deepEqual(at(picture, 2, 1), [0, 100, 127, 255]);
});

test("a margin goes on beyond the photo", () => {
  const picture = composed(CUTOUT, { crop: true, margin: "2" }, []);
  assert.deepEqual([picture.width, picture.height], [6, 5]);
  assert.deepEqual([at(picture, 2, 2), at(picture, 3, 2)], [at(CUTOUT, 1, 1), at(CUTOUT, 2, 1)]);
  assert.equal(
    picture.data.reduce((sum, value) => sum + value, 0),
    CUTOUT.data.reduce((sum, value) => sum + value, 0),
  );
});

test("what the server is asked for is the same whatever the page makes of it", () => {
  const photo = new Blob(["photo"]);
  const fields = { objects: ["cat"], edges: "sharp", background: "white", crop: true, margin: "5%", format: "webp" };
  const { asked, finish } = divided(fields, photo);
  assert.deepEqual(asked, { objects: ["cat"], edges: "sharp" });
  assert.deepEqual(finish, { background: "white", crop: true, margin: "5%", format: "webp" });
});

test("a blurred photo that this browser cannot read is left to the server", () => {
  const [photo, fields] = [new Blob(["photo"]), { objects: ["cat"], background: "blur:9" }];
  assert.deepEqual(divided(fields, photo).asked, { objects: ["cat"] });
  assert.deepEqual(divided(fields, undefined), { asked: fields, finish: {} });
  markUnreadable(photo);
  assert.deepEqual(divided(fields, photo), { asked: fields, finish: {} });
  assert.deepEqual(divided({ background: "white" }, photo).asked, {});
});

test("only a PNG of the cut-out as it came is the server's own file", () => {
  assert.ok(isPlain({}));
  assert.ok(isPlain({ format: "png" }));
  for (const finish of [{ format: "webp" }, { background: "white" }, { crop: true }]) assert.ok(!isPlain(finish));
});

test("a blur has nothing of what is kept in it", () => {
  const [width, height] = [40, 20];
  const cutout = { width, height, data: new Uint8ClampedArray(width * height * 4) };
  const photo = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const kept = x >= 10 && x < 30;
      photo.set(kept ? [255, 0, 0, 255] : [0, 0, 200, 255], (y * width + x) * 4);
      cutout.data[(y * width + x) * 4 + 3] = kept ? 255 : 0;
    }
  }
  const small = blurred(cutout, (top, bottom) => photo.subarray(top * width * 4, bottom * width * 4), 4);
  assert.deepEqual([small.width, small.height, small.cell], [10, 5, 4]);
  for (let x = 0; x < small.width; x++) {
    const [red, , blue, alpha] = at(small, x, 2);
    assert.ok(red <= 20 && blue >= 180 && alpha === 255, `${x}: ${at(small, x, 2)}`);
  }
});

test("the radius of a blur follows the photo unless it is told", () => {
  assert.equal(radiusOf("blur", 4000, 3000), 60);
  assert.equal(radiusOf("blur:20", 4000, 3000), 20);
});

/** A disk around the middle. @param {number} radius @param {number} width @param {number} height */
function disk(radius, width, height) {
  const pixels = { width, height, data: new Uint8ClampedArray(width * height * 4) };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = Math.hypot(x - width / 2, y - height / 2) <= radius;
      if (inside) pixels.data.set([0, 0, 255, 255], (y * width + x) * 4);
    }
  }
  return pixels;
}

test("an outline is as wide everywhere, and belongs to what is trimmed", () => {
  const picture = composed(disk(10, 60, 40), { outline: "4 #ff8800", crop: true }, []);
  assert.deepEqual([picture.width, picture.height], [29, 29]);
  for (let turn = 0; turn < 24; turn++) {
    const [across, down] = [Math.cos((turn * Math.PI) / 12), Math.sin((turn * Math.PI) / 12)];
    assert.deepEqual(at(picture, Math.round(14 + 12 * across), Math.round(14 + 12 * down)), [255, 136, 0, 255]);
  }
  assert.deepEqual(
    [at(picture, 14, 14), at(picture, 1, 1)],
    [
      [0, 0, 255, 255],
      [0, 0, 0, 0],
    ],
  );
});

for (const shadow of ["drop", "contact"]) {
  test(`a ${shadow} shadow is black and soft, and lies below`, () => {
    const [plain, picture] = [{}, { shadow }].map((finish) => composed(disk(90, 300, 240), finish, []));
    assert.deepEqual(at(picture, 150, 120), [0, 0, 255, 255]);
    assert.deepEqual(at(picture, 150, 20), at(plain, 150, 20));
    const below = at(picture, 150, 213); // the disk ends at 210
    assert.deepEqual(below.slice(0, 3), [0, 0, 0]);
    assert.ok(below[3] > 10 && below[3] < 150, `${below}`);
    const trimmed = composed(disk(90, 300, 240), { shadow, crop: true }, []);
    assert.ok(trimmed.height > 181 && trimmed.height < 240);
  });
}

test("a shadow does not move what lies on a canvas", () => {
  const finish = { canvas: "500x500", margin: "10%" };
  const [plain, picture] = [finish, { ...finish, shadow: "drop" }].map((each) =>
    composed(disk(90, 300, 240), each, []),
  );
  for (const [x, y] of [
    [250, 250],
    [60, 250],
    [250, 60],
  ])
    assert.deepEqual(at(picture, x, y), at(plain, x, y));
  assert.ok(at(picture, 420, 400)[3] > 0 && at(plain, 420, 400)[3] === 0);
});
