import assert from "node:assert/strict";
import { test } from "node:test";
import { meant, normal, suggest } from "../../../frontend/static/form/suggest.js";

const KNOWN = {
  classes: ["person", "cat", "dog", "potted plant", "tv", "cattle"],
  synonyms: { person: ["man", "woman"], cat: ["kitten"], tv: ["television"], cattle: ["cow"] },
};
const own = (/** @type {string} */ name) => name;
const spanish = (/** @type {string} */ name) => ({ cat: "gato", dog: "perro" })[name] ?? name;

/** @param {string} typed @param {string[]} [taken] @param {(name: string) => string} [localName] */
const names = (typed, taken = [], localName = own) => suggest(typed, KNOWN, taken, localName).map(({ name }) => name);

for (const [name, expected] of [
  ["  Potted_Plant ", "potted plant"],
  ["Café", "cafe"],
  ["T-Shirt", "t shirt"],
  ["two   words", "two words"],
  ["ＣＡＴ", "cat"], // full width
]) {
  test(`"${name}" is compared as "${expected}"`, () => {
    assert.equal(normal(name), expected);
  });
}

test("nothing typed offers all in the model's order", () => {
  assert.deepEqual(names(""), KNOWN.classes);
});

test("a whole word comes before a beginning, and that before a synonym", () => {
  assert.deepEqual(names("cat"), ["cat", "cattle"]);
  assert.deepEqual(suggest("kit", KNOWN, [], own), [{ name: "cat", via: "kitten", weak: null, rank: 1.5 }]);
});

test("later words and, from three letters on, middles of words match", () => {
  assert.deepEqual(names("pla"), ["potted plant"]);
  assert.deepEqual(names("vision"), ["tv"]);
  assert.deepEqual(names("an"), []);
});

test("names that are taken are not offered again", () => {
  assert.deepEqual(names("cat", ["Cat"]), ["cattle"]);
  assert.deepEqual(names("gato", ["GATO"], spanish), []);
});

test("the person's own word is offered", () => {
  assert.deepEqual(suggest("cat", KNOWN, [], spanish)[0], { name: "gato", via: "cat", weak: null, rank: 0.5 });
});

test("names mean classes by any of their words", () => {
  assert.deepEqual(meant(["gato", "Kitten", "dog"], KNOWN, spanish), new Set(["cat", "dog"]));
  assert.deepEqual(meant([], KNOWN, own), new Set());
});

test("a name that means nothing here, or several things, is left to the server", () => {
  assert.equal(meant(["cat", "unicorn"], KNOWN, own), null);
  const twice = { classes: ["cell phone", "telephone"], synonyms: { "cell phone": ["phone"], telephone: ["phone"] } };
  assert.equal(meant(["phone"], twice, own), null);
});

test("names that the model is known to find or to cut out badly are marked", () => {
  const cut_outs = { cat: { iou: 0.9, found: 1 }, dog: { iou: 0.6, found: 0.9 }, tv: { iou: 0.5, found: 0.6 } };
  const found = suggest("", { ...KNOWN, card: { cut_outs } }, ["person", "cattle"], own);
  assert.deepEqual(
    found.map(({ name, weak }) => [name, weak]),
    [
      ["cat", null],
      ["dog", "rough"],
      ["potted plant", null],
      ["tv", "missed"],
    ],
  );
});
