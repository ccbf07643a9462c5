/**
 * The keys of the editor: what each presses, and whether single characters are heard. Keys that work only where the
 * focus is, as arrows do, belong to that part of the page; help.js tells of both.
 */

import { byId, find } from "../elements.js";
import { COMMAND } from "./modifier.js";

const KEPT_AS = "objectcut-single-keys"; // in the browser's storage; "off", or nothing there
/** What takes characters itself. */
const TYPING =
  "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=color], [type=file])";

/**
 * @typedef {object} Shortcut
 * @property {string} key as events name it, lower case
 * @property {string} words the key of the words for it
 * @property {string} press the button that is pressed, as a selector
 * @property {boolean} [cutout] whether it is a tool of the cut-out, which is turned to
 */

/** @type {Shortcut[]} single characters, in the order of the help */
export const SINGLE = [
  { key: "v", words: "keys.view", press: "#views [aria-pressed=false]" },
  { key: "r", words: "boxing.start", press: "#box" },
  { key: "b", words: "cutout.add.short", press: ".tool-add", cutout: true },
  { key: "e", words: "cutout.erase.short", press: ".tool-erase", cutout: true },
  { key: "f", words: "cutout.edges.short", press: ".tool-edges", cutout: true },
  { key: "c", words: "cutout.compare", press: ".tool-compare", cutout: true },
  { key: "+", words: "cutout.zoom_in", press: ".tool-zoom_in", cutout: true },
  { key: "-", words: "cutout.zoom_out", press: ".tool-zoom_out", cutout: true },
  { key: "0", words: "cutout.fit", press: ".tool-fit", cutout: true },
  { key: "1", words: "cutout.actual", press: ".tool-actual", cutout: true },
  { key: "d", words: "cutout.download", press: "#download" },
  { key: "?", words: "keys.title", press: "#keys" },
];

/** @type {Shortcut[]} with Ctrl, or on a Mac ⌘ */
export const COMMANDS = [
  { key: "z", words: "cutout.undo", press: ".tool-undo" },
  { key: "shift+z", words: "cutout.redo", press: ".tool-redo" },
  { key: "y", words: "cutout.redo", press: ".tool-redo" },
];

export class Shortcuts {
  #single = isKeptOn();

  constructor() {
    document.addEventListener("keydown", (event) => this.#key(event));
    const button = byId("keys");
    button.addEventListener("click", async () => (await import("./help.js")).show(this));
    this.single = this.#single;
  }

  /** Whether single characters are heard: they get in the way of those who speak to their computer. */
  get single() {
    return this.#single;
  }

  set single(single) {
    this.#single = single;
    byId("keys").ariaKeyShortcuts = single ? "?" : null;
    try {
      if (single) localStorage.removeItem(KEPT_AS);
      else localStorage.setItem(KEPT_AS, "off");
    } catch {
      // Some browsers keep nothing: it holds for this visit.
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    const busy = event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]");
    if (busy || !document.body.hasAttribute("data-editing")) return;
    if (target instanceof Element && target.matches(TYPING)) return;
    const shortcut = this.#shortcutFor(event);
    if (!shortcut) return;
    event.preventDefault();
    const button = find(document, shortcut.press, HTMLElement);
    if (button.closest("[hidden]") && !COMMANDS.includes(shortcut)) return; // there is nothing for it now
    if (shortcut.cutout) find(document, "#views [data-view=cutout]", HTMLElement).click();
    button.click();
    // There the keys for the brush work, and those that move the picture.
    if (shortcut.cutout) find(document, "#cutout .viewer-port", HTMLElement).focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #shortcutFor({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    const pressed = key.toLowerCase();
    if (ctrlKey || metaKey) {
      const wanted = shiftKey ? `shift+${pressed}` : pressed;
      return altKey ? null : COMMANDS.find((shortcut) => shortcut.key === wanted);
    }
    // Alt and AltGr write some of these on some keyboards; Alt with a letter is the browser's.
    if (!this.#single || (altKey && /[a-z0-9]/.test(pressed))) return null;
    return SINGLE.find((shortcut) => shortcut.key === (pressed === "=" ? "+" : pressed)); // where + is shift and =
  }
}

function isKeptOn() {
  try {
    return localStorage.getItem(KEPT_AS) !== "off";
  } catch {
    return true;
  }
}

/** Write a key as a keyboard bears it. @param {Shortcut} shortcut @param {boolean} command */
export function written({ key }, command) {
  const name = key.replace("shift+", "⇧").replace("-", "−").toUpperCase();
  return command ? `${COMMAND}${name}` : name;
}
