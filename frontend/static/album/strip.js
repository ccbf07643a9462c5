/** Several photos in a row, each with its state; one of them is the one that is shown. */

import { find, make } from "../elements.js";
import { wordsFor } from "../words/errors.js";
import { fill, t } from "../words/translate.js";

const THUMB_PX = 128; // twice what is shown, for fine screens
/** @type {Record<string, number>} by key */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

const MARKUP = `
  <div class="strip-head">
    <h2 class="name" id="strip-title" data-text="strip.title"></h2>
    <button type="button" class="button quiet small" data-part="zip" data-once></button>
    <span class="hint" data-part="left"></span>
  </div>
  <ul class="strip-row" role="list" aria-labelledby="strip-title"></ul>`;

const TILE = `
  <button type="button" class="tile">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 17.5V6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v11a2.5 2.5 0 0 1-2.5 2.5h-11A2.5 2.5 0 0 1 4 17.5Zm.5-1 4.3-4.3a1.5 1.5 0 0 1 2.1 0l6.6 7.3"/></svg>
    <canvas width="${THUMB_PX}" height="${THUMB_PX}" hidden></canvas>
    <span class="tile-state" aria-hidden="true"></span>
  </button>
  <button type="button" class="tile-remove">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="m7 7 10 10M17 7 7 17"/></svg>
  </button>`;

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {{item: HTMLElement, button: HTMLElement, remove: HTMLElement, drawn: Blob | null}} Tile drawn: as thumbnail
 */

/** @type {Record<string, string>} what a tile shows in each state; without one, its words */
const SIGNS = { waiting: "…", working: "…", cut: "✓", failed: "!" };

export class Strip {
  /** @type {(entry: Entry) => void} called with the entry that a person turns to */
  onturn = () => {};
  /** @type {(entry: Entry) => void} called with the entry that a person takes away */
  onremove = () => {};
  /** Called when a person wants every cut-out in one file, or no longer. */
  onzip = () => {};

  #root;
  #row;
  #zip;
  #left;
  /** @type {Map<Entry, Tile>} */
  #tiles = new Map();
  /** @type {Entry | null} */
  #current = null;
  /** @type {Promise<void>} */
  #drawing = Promise.resolve();

  /** @param {HTMLElement} container an empty element; hidden while there are fewer than two photos */
  constructor(container) {
    this.#root = container;
    container.classList.add("strip");
    container.innerHTML = MARKUP;
    fill(container);
    this.#row = find(container, "ul", HTMLElement);
    this.#zip = find(container, "[data-part=zip]", HTMLElement);
    this.#left = find(container, "[data-part=left]", HTMLElement);
    this.#zip.addEventListener("click", () => this.onzip());
    this.#row.addEventListener("keydown", (event) => this.#key(event));
    this.zipping = null;
  }

  /** @param {Entry[]} entries all there are, in their order @param {Entry | null} current one of them */
  show(entries, current) {
    for (const [entry, { item }] of this.#tiles) {
      if (entries.includes(entry)) continue;
      item.remove();
      this.#tiles.delete(entry);
    }
    for (const entry of entries) if (!this.#tiles.has(entry)) this.#add(entry);
    this.#current = current;
    this.#root.hidden = entries.length < 2;
    for (const entry of entries) this.update(entry);
    if (current) this.#tiles.get(current)?.item.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Draw the state of an entry again. @param {Entry} entry */
  update(entry) {
    const tile = this.#tiles.get(entry);
    if (!tile) return;
    const { button, remove } = tile;
    const current = entry === this.#current;
    const state = stateOf(entry);
    const words = t(`strip.${state}`, { count: entry.result?.count ?? entry.detected?.objects.length ?? 0 });
    button.dataset.state = state;
    button.setAttribute("aria-label", t("strip.tile", { name: entry.photo.name, state: words }));
    button.title = entry.problem ? `${entry.photo.name}: ${wordsFor(entry.problem)}` : entry.photo.name;
    find(button, ".tile-state", HTMLElement).textContent = SIGNS[state] ?? words;
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.tabIndex = current ? 0 : -1;
    remove.tabIndex = button.tabIndex;
    this.#drawing = this.#drawing.then(() => this.#thumb(entry, tile)).catch(() => {}); // the next are drawn still
  }

  /**
   * @param {{done: number, count: number, left: ReturnType<import("./pace.js").Pace["left"]>} | null} progress of the ZIP
   *   that is being made; null: none is
   */
  set zipping(progress) {
    this.#zip.textContent = t(progress ? "strip.zipping" : "strip.zip", progress ?? {});
    this.#zip.toggleAttribute("data-busy", progress !== null);
    const left = progress?.left;
    this.#left.textContent = left ? t(`strip.left.${left.unit}`, { count: left.count }) : "";
  }

  /** @param {Entry} entry */
  #add(entry) {
    const item = make("li", { innerHTML: TILE });
    const button = find(item, ".tile", HTMLElement);
    const remove = find(item, ".tile-remove", HTMLElement);
    button.addEventListener("click", () => this.onturn(entry));
    remove.setAttribute("aria-label", t("strip.remove", { name: entry.photo.name }));
    remove.addEventListener("click", () => this.#remove(entry));
    this.#tiles.set(entry, { item, button, remove, drawn: null });
    this.#row.append(item);
  }

  /** @param {Entry} entry */
  #remove(entry) {
    const focused = this.#tiles.get(entry)?.item.contains(document.activeElement);
    this.onremove(entry);
    if (focused && this.#current) this.#tiles.get(this.#current)?.button.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const entries = [...this.#tiles.keys()];
    const { target } = event;
    const place = [...this.#tiles.values()].findIndex(({ item }) => target instanceof Node && item.contains(target));
    if (event.key === "Delete") {
      event.preventDefault();
      this.#remove(entries[place]);
      return;
    }
    const forward = this.#row.matches(":dir(rtl)") ? -1 : 1;
    /** @type {Record<string, number>} */
    const ends = { Home: 0, End: entries.length - 1 };
    const next = entries[ends[event.key] ?? place + STEPS[event.key] * forward];
    if (!next) return; // another key, or no further photo
    event.preventDefault();
    this.onturn(next);
    this.#tiles.get(next)?.button.focus();
  }

  /**
   * Draw the cut-out where there is one, else the photo; one after the other, as each is decoded as a whole.
   * @param {Entry} entry
   * @param {Tile} tile
   */
  async #thumb(entry, tile) {
    const wanted = entry.result?.blob ?? entry.photo.shown ?? null;
    if (!wanted || tile.drawn === wanted || !tile.item.isConnected) return;
    tile.drawn = wanted;
    const bitmap = await createImageBitmap(wanted).catch(() => null);
    if (!bitmap) return; // of a kind that this browser cannot show
    const canvas = find(tile.item, "canvas", HTMLCanvasElement);
    const scale = THUMB_PX / Math.min(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    const context = canvas.getContext("2d");
    if (!context) return;
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, THUMB_PX, THUMB_PX);
    context.drawImage(bitmap, (THUMB_PX - width) / 2, (THUMB_PX - height) / 2, width, height);
    bitmap.close();
    canvas.hidden = false;
    find(tile.button, "svg", SVGElement).toggleAttribute("hidden", true);
  }
}

/** @param {Entry} entry @returns {"working" | "failed" | "cut" | "found" | "waiting"} */
function stateOf(entry) {
  if (entry.cutting || entry.looking) return "working";
  if (entry.problem) return "failed";
  if (entry.result) return "cut";
  return entry.detected ? "found" : "waiting";
}
