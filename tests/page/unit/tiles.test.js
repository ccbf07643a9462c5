import assert from "node:assert/strict";
import { test } from "node:test";
import { TILE, tiles } from "../../../frontend/static/brush/tiles.js";

test("a small picture is one tile", () => {
  assert.deepEqual(tiles(10, 20), [{ x: 0, y: 0, width: 10, height: 20 }]);
  assert.deepEqual(tiles(TILE, TILE), [{ x: 0, y: 0, width: TILE, height: TILE }]);
});

test("tiles follow row by row, those at the end are smaller", () => {
  assert.deepEqual(tiles(1000, 700), [
    { x: 0, y: 0, width: 512, height: 512 },
    { x: 512, y: 0, width: 488, height: 512 },
    { x: 0, y: 512, width: 512, height: 188 },
    { x: 512, y: 512, width: 488, height: 188 },
  ]);
});
