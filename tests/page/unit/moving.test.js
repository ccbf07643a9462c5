import assert from "node:assert/strict";
import { test } from "node:test";
import { moved, slid, slides } from "../../../frontend/static/compose/moving.js";

const PHOTO = { width: 1000, height: 700 };
const BOX = [100, 200, 500, 400]; // half of its room leaves 400 px across and 600 px down

/** @type {[string, import("../../../frontend/static/compose/fields.js").Finish, number[], boolean, string, number[]][]} */
const ROWS = [
  ["by a share of what is free", {}, [100, -150], false, "75% 25%", [100, -150]],
  ["from where it is", { position: "75% 25%" }, [-200, 0], false, "25% 25%", [-200, 0]],
  ["no farther than its room", {}, [900, -900], false, "100% 0%", [200, -300]],
  ["within its margin", { margin: "10%" }, [900, 0], false, "100% 50%", [160, 0]],
  ["to the middle where it is near", { position: "75% 50%" }, [-204, 5], true, "24% 50%", [-204, 0]],
  ["to the middle of both", { position: "75% 25%" }, [-97, 154], true, "50% 50%", [-100, 150]],
  ["beside the middle by a key", {}, [4, 6], false, "51% 51%", [4, 6]],
  ["only where there is room", { scale: "100%" }, [50, -200], false, "50% 0%", [0, -200]],
  ["by px of a smaller picture", { max_size: 400 }, [50, 0], false, "75% 50%", [50, 0]],
];

for (const [what, finish, [x, y], snaps, position, by] of ROWS) {
  test(`a cut-out is moved ${what}`, () => {
    const told = moved(PHOTO, BOX, { canvas: "800x800", scale: "50%", ...finish }, { x, y }, snaps);
    assert.equal(told.position, position);
    // The share is round, so that what it tells is: half a px of the picture at most.
    for (const [axis, px] of [told.by.x, told.by.y].entries()) assert.ok(Math.abs(px - by[axis]) < 1, `${px}`);
  });
}

const ROOM = { width: 500, height: 500 };
const WIDE = { width: 400, height: 100 }; // fills the room at 2000 by 500

/** @type {[string, string, number[], boolean, string][]} */
const SLIDES = [
  ["with the pointer", "50% 50%", [150, 90], false, "40% 50%"],
  ["no farther than it reaches", "30% 50%", [900, 0], false, "0% 50%"],
  ["to the middle where it is near", "40% 0%", [-140, 0], true, "50% 0%"],
  ["beside the middle by a key", "50% 50%", [-10, 0], false, "50.7% 50%"],
];

for (const [what, position, [x, y], snaps, expected] of SLIDES) {
  test(`a picture behind a cut-out is moved ${what}`, () => {
    assert.equal(slid(WIDE, ROOM, position, { x, y }, snaps), expected);
  });
}

test("a picture of the room's shape is not moved", () => {
  assert.equal(slides(WIDE, ROOM), true);
  assert.equal(slides({ width: 301, height: 301 }, ROOM), false);
  assert.equal(slid({ width: 301, height: 301 }, ROOM, "50% 20%", { x: 90, y: 90 }, false), "50% 20%");
});
