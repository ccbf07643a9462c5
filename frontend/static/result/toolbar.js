/** The tools of the cut-out's pane, and the keys for them: wires viewer and brush, owns no state of theirs. */

import { make } from "../elements.js";
import { COMMAND } from "../keyboard/modifier.js";
import { t } from "../words/translate.js";

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} outlines on a grid of 24 by 24, by tool */
const ICONS = {
  zoom_out: "M15.5 15.5 20 20M17.5 11a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0ZM8.5 11h5",
  fit: "M4.5 9V6A1.5 1.5 0 0 1 6 4.5h3m6 0h3A1.5 1.5 0 0 1 19.5 6v3m0 6v3a1.5 1.5 0 0 1-1.5 1.5h-3m-6 0H6A1.5 1.5 0 0 1 4.5 18v-3",
  actual: "m4.5 8 2.5-1.5v11m8-9.5 2.5-1.5v11M12 9.75v.01M12 14.25v.01",
  zoom_in: "M15.5 15.5 20 20M17.5 11a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0ZM8.5 11h5M11 8.5v5",
  compare:
    "M12 3v18M8.5 5.5H6A1.5 1.5 0 0 0 4.5 7v10A1.5 1.5 0 0 0 6 18.5h2.5m7-13H18A1.5 1.5 0 0 1 19.5 7v10a1.5 1.5 0 0 1-1.5 1.5h-2.5M9 10l-2 2 2 2m6-4 2 2-2 2",
  add: "M19.5 4.5c-3 1-7 4.5-9 7.5l2 2c3-2 6.5-6 7-9.5ZM9.5 13.5c-2.5 0-3 1.5-3 3S5.5 19 4.5 19c3.5 1.5 7.5.5 7.5-3.5M5.5 4v6m-3-3h6",
  erase:
    "m8.5 19.5-4-4a1.5 1.5 0 0 1 0-2.1l8.9-8.9a1.5 1.5 0 0 1 2.1 0l4 4a1.5 1.5 0 0 1 0 2.1l-8.9 8.9h-2.1Zm.4-10.5 6.1 6.1m-3.5 4.4h8",
  edges: "M4.5 19.5c1-6 6.5-4 7.5-8s3-6 7.5-7M14.5 20v.01M18 16.5v.01M18.5 20v.01M15 14.5v.01M19.5 12v.01",
  undo: "M8.5 5 4.5 9l4 4m-3.5-4h9a5 5 0 0 1 0 10h-4",
  redo: "m15.5 5 4 4-4 4m3.5-4h-9a5 5 0 0 0 0 10h4",
};

/** @type {Record<string, string>} keys as a tooltip shows them, by tool */
const KEYS = { zoom_out: "−", fit: "0", actual: "1", zoom_in: "+", undo: `${COMMAND}Z`, redo: `${COMMAND}⇧Z` };

export class Toolbar {
  #element;
  #viewer;
  #brush;
  #steps;
  /** @type {HTMLElement[]} in the order in which the arrow keys pass them */
  #controls = [];
  /** @type {Record<string, HTMLElement>} */
  #tools = {};
  #size;

  /**
   * @param {HTMLElement} element becomes the toolbar
   * @param {HTMLElement} pane where the brush's and the history's keys work: holds the viewer and the toolbar
   * @param {import("../viewer/viewer.js").Viewer} viewer
   * @param {import("../brush/brush.js").Brush} brush
   * @param {import("../steps.js").Steps} steps what is undone, strokes of the brush among it
   */
  constructor(element, pane, viewer, brush, steps) {
    this.#element = element;
    this.#viewer = viewer;
    this.#brush = brush;
    this.#steps = steps;
    element.classList.add("toolbar");
    element.setAttribute("role", "toolbar");
    element.setAttribute("aria-label", t("cutout.tools"));
    this.#size = this.#sizeRange();
    this.#build();
    element.addEventListener("keydown", (event) => this.#rove(event));
    element.addEventListener("focusin", (event) => this.#enter(event.target));
    pane.addEventListener("keydown", (event) => this.#key(event));
    brush.addEventListener("stroke", () =>
      steps.add({
        undo: () => brush.undo(),
        redo: () => brush.redo(),
        canUndo: () => brush.canUndo,
        canRedo: () => brush.canRedo,
      }),
    );
    for (const source of [viewer, brush, steps]) source.addEventListener("change", () => this.#update());
    this.#update();
  }

  #build() {
    const [viewer, brush] = [this.#viewer, this.#brush];
    const mode = (/** @type {"add" | "erase"} */ name) => () => {
      viewer.mode = viewer.mode === name ? "view" : name;
    };
    const edges = () => {
      brush.edges = !brush.edges;
    };
    const compare = () => {
      viewer.compare = !viewer.compare;
    };
    this.#group(
      this.#button("zoom_out", () => viewer.zoomOut()),
      this.#button("fit", () => viewer.fit()),
      this.#button("actual", () => viewer.actual()),
      this.#button("zoom_in", () => viewer.zoomIn()),
    );
    this.#group(this.#button("compare", compare));
    this.#group(
      this.#button("add", mode("add")),
      this.#button("erase", mode("erase")),
      this.#button("edges", edges),
      this.#size,
    );
    const size = make("label", { className: "tool-range" });
    this.#size.replaceWith(size);
    size.append(this.#size, make("span", { textContent: t("cutout.size.short") }));
    this.#group(
      this.#button("undo", () => this.#steps.undo()),
      this.#button("redo", () => this.#steps.redo()),
    );
  }

  /** @param {HTMLElement[]} controls */
  #group(...controls) {
    const group = make("div", { className: "toolbar-group" });
    group.append(...controls);
    this.#controls.push(...controls);
    this.#element.append(group);
  }

  /** @param {string} name @param {() => void} run */
  #button(name, run) {
    const button = make("button", { type: "button", className: `tool tool-${name}`, ariaLabel: t(`cutout.${name}`) });
    button.append(icon(ICONS[name]), make("span", { textContent: t(`cutout.${name}.short`) }));
    button.addEventListener("click", () => {
      if (button.ariaDisabled !== "true") run();
    });
    this.#tools[name] = button;
    return button;
  }

  #sizeRange() {
    const { least, most } = this.#brush.sizes;
    const range = make("input", { type: "range", className: "tool-size", min: String(least), max: String(most) });
    range.setAttribute("aria-label", t("cutout.size"));
    range.setAttribute("aria-keyshortcuts", "[ ]");
    range.title = `${t("cutout.size")} ([ ])`;
    range.addEventListener("input", () => {
      this.#brush.size = range.valueAsNumber;
    });
    return range;
  }

  #update() {
    const [viewer, brush] = [this.#viewer, this.#brush];
    this.#able("zoom_out", viewer.canZoomOut);
    this.#able("zoom_in", viewer.canZoomIn);
    this.#able("fit", !viewer.empty);
    this.#able("actual", !viewer.empty);
    this.#able("compare", viewer.canCompare);
    const refusal = viewer.final && !brush.canEdit ? t("cutout.not_editable") : null;
    this.#able("add", brush.canEdit, refusal);
    this.#able("erase", brush.canEdit, refusal);
    this.#able("edges", brush.canEdit);
    this.#able("undo", this.#steps.canUndo);
    this.#able("redo", this.#steps.canRedo);
    this.#press("compare", viewer.compare);
    this.#press("add", viewer.mode === "add");
    this.#press("erase", viewer.mode === "erase");
    this.#press("edges", brush.edges);
    this.#tools.edges.hidden = this.#size.hidden = !brush.canEdit || viewer.mode === "view"; // of use to a brush alone
    this.#size.value = String(brush.size);
    this.#size.setAttribute("aria-valuetext", t("cutout.size.value", { size: brush.size }));
    this.#keepEntrance();
  }

  /**
   * Not `disabled`: a tool that cannot be used now keeps the focus and can be found.
   * @param {string} name
   * @param {boolean} able
   * @param {string | null} [refusal] why it cannot be used
   */
  #able(name, able, refusal = null) {
    const tool = this.#tools[name];
    tool.ariaDisabled = String(!able);
    tool.title = refusal ?? (name in KEYS ? `${t(`cutout.${name}`)} (${KEYS[name]})` : t(`cutout.${name}`));
  }

  /** @param {string} name @param {boolean} pressed */
  #press(name, pressed) {
    this.#tools[name].ariaPressed = String(pressed);
  }

  // The keyboard: one stop for Tab, arrows inside ------------------------------------------------------------------

  get #reachable() {
    return this.#controls.filter((control) => !control.hidden);
  }

  #keepEntrance() {
    const entrance = this.#controls.find((control) => control.tabIndex === 0 && !control.hidden);
    this.#enter(entrance ?? this.#reachable[0]);
  }

  /** @param {EventTarget | null} entered */
  #enter(entered) {
    for (const control of this.#controls) control.tabIndex = control === entered ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  #rove(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const reachable = this.#reachable;
    const forwards = this.#element.matches(":dir(rtl)") ? "ArrowLeft" : "ArrowRight";
    const place = reachable.findIndex((control) => control.matches(":focus"));
    let next = 0;
    // In the range too, where up and down are left to change the value.
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") next = place + (event.key === forwards ? 1 : -1);
    else if (event.key === "End") next = reachable.length - 1;
    else if (event.key !== "Home") return;
    event.preventDefault();
    reachable[(next + reachable.length) % reachable.length].focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (event.altKey && key !== "[" && key !== "]") return; // AltGr writes brackets on many keyboards
    if (command && key === "z" && event.shiftKey) this.#steps.redo();
    else if (command && key === "z") this.#steps.undo();
    else if (command && key === "y" && !event.shiftKey) this.#steps.redo();
    else if (key === "[" && this.#brush.canEdit) this.#brush.smaller();
    else if (key === "]" && this.#brush.canEdit) this.#brush.larger();
    else if (key === "escape" && this.#viewer.mode !== "view") this.#viewer.mode = "view";
    else return;
    event.preventDefault();
  }
}

/** @param {string} outline */
function icon(outline) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", outline);
  svg.append(path);
  return svg;
}
