/** The field for names: chips for what is chosen, a list of known names while typing (the ARIA combobox pattern). */

import { find } from "../elements.js";
import { localName, t } from "../words/translate.js";
import { meant, normal, suggest } from "./suggest.js";

const MOST_SHOWN = 6; // more hide the rest of the form; with nothing typed the whole list can be scrolled

export class NamesField {
  /** @type {Set<string>} classes that are in the photo: they are offered first */
  present = new Set();

  #input;
  #chips;
  #list;
  /** @type {import("./suggest.js").Known} */
  #known = { classes: [], synonyms: {} };
  /** @type {string[]} */
  #names = [];
  #active = -1;

  /** @param {Element} root */
  constructor(root) {
    this.#input = find(root, "input", HTMLInputElement);
    this.#chips = find(root, ".chip-list", HTMLElement);
    this.#list = find(root, "[role=listbox]", HTMLElement);
    const box = find(root, ".chips", HTMLElement);

    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("click", () => this.#open());
    this.#input.addEventListener("blur", () => this.#close());
    box.addEventListener("pointerdown", (event) => {
      // The input keeps the focus while something else in the box is pressed.
      const { target } = event;
      if (target !== this.#input && target instanceof Element && !target.closest("button")) event.preventDefault();
      if (target === box) this.#input.focus();
    });
    this.#draw();
    this.#list.addEventListener("click", ({ target }) => {
      const option = target instanceof Element ? target.closest("[role=option]") : null;
      if (option) this.#take(nameOf(option));
    });
  }

  /** @param {import("./suggest.js").Known} known */
  set known(known) {
    this.#known = known;
  }

  /** The chosen names; what is still being typed counts. */
  get names() {
    this.#add(this.#input.value);
    this.#input.value = "";
    this.#close();
    return [...this.#names];
  }

  set names(names) {
    this.#names = [];
    this.#input.value = "";
    this.#add(names.join(","));
    this.#draw();
  }

  /**
   * Return a function that tells whether these names mean a class.
   * @param {string[]} names
   * @returns {((name: string) => boolean) | null} null where only the server knows
   */
  meaning(names) {
    if (!names.length) return () => true;
    const classes = meant(names, this.#known, localName);
    return classes && ((name) => classes.has(name));
  }

  /** Put one name in the place of another. @param {string} wrong @param {string} right */
  replace(wrong, right) {
    this.names = this.#names.map((name) => (normal(name) === normal(wrong) ? right : name));
  }

  /** Mark the name that the server does not know; with null, none. @param {string | null} wrong */
  mark(wrong) {
    for (const [index, chip] of [...this.#chips.children].entries()) {
      chip.classList.toggle("wrong", wrong !== null && normal(this.#names[index]) === normal(wrong));
    }
  }

  focus() {
    this.#input.focus();
  }

  /** Show every known name. */
  browse() {
    this.focus();
    this.#open();
  }

  #typed() {
    const parts = this.#input.value.split(/[,;\n]/);
    const rest = parts.pop() ?? "";
    if (parts.length) {
      this.#add(parts.join(","));
      this.#input.value = rest.trimStart();
    }
    if (this.#input.value.trim()) this.#open();
    else this.#close();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const open = !this.#list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (open) this.#activate(this.#active + step);
      else if (this.#open()) this.#activate(step === 1 ? 0 : -1);
    } else if (event.key === "Enter" && open && this.#active >= 0) {
      event.preventDefault(); // takes the option; the next Enter sends the form
      this.#take(nameOf(this.#list.children[this.#active]));
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.#close();
    } else if (event.key === "Backspace" && !this.#input.value && this.#names.length) {
      this.#remove(this.#names.length - 1);
    }
  }

  /** @param {string} text names with commas between them */
  #add(text) {
    for (const name of text.split(",")) {
      const trimmed = name.trim().replace(/\s+/g, " ");
      if (trimmed && !this.#names.some((other) => normal(other) === normal(trimmed))) this.#names.push(trimmed);
    }
    this.#draw();
  }

  /** @param {string} name */
  #take(name) {
    this.#input.value = "";
    this.#add(name);
    this.#close();
    this.focus();
  }

  /** @param {number} index */
  #remove(index) {
    this.#names.splice(index, 1);
    this.#draw();
    this.focus();
  }

  #draw() {
    this.#chips.replaceChildren(
      ...this.#names.map((name, index) => {
        const chip = copyOf("#chip");
        find(chip, "span", HTMLElement).textContent = name;
        const remove = find(chip, "button", HTMLElement);
        remove.setAttribute("aria-label", t("names.remove", { name }));
        remove.addEventListener("click", () => this.#remove(index));
        return chip;
      }),
    );
    this.#input.placeholder = this.#names.length ? "" : t("names.example");
  }

  #open() {
    const typed = this.#input.value;
    const found = suggest(typed, this.#known, this.#names, localName, this.present);
    const shown = typed.trim() ? found.slice(0, MOST_SHOWN) : found;
    this.#list.replaceChildren(
      ...shown.map(({ name, via, weak }, index) => {
        const option = copyOf("#option");
        option.id = `${this.#list.id}-${index}`;
        option.dataset.name = name;
        find(option, "span", HTMLElement).textContent = name;
        find(option, "small", HTMLElement).textContent = [via, weak && t(`names.${weak}`)].filter(Boolean).join(", ");
        return option;
      }),
    );
    const settled = shown.length > 0 && normal(shown[0].name) === normal(typed); // the list would hide what comes next
    this.#active = -1;
    this.#input.removeAttribute("aria-activedescendant");
    this.#list.hidden = !shown.length || settled;
    this.#input.setAttribute("aria-expanded", String(!this.#list.hidden));
    return !this.#list.hidden;
  }

  #close() {
    this.#list.hidden = true;
    this.#active = -1;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index from -1, the last, to one too many, the first */
  #activate(index) {
    const options = [...this.#list.children];
    this.#active = (index + options.length) % options.length;
    for (const [place, option] of options.entries()) {
      option.setAttribute("aria-selected", String(place === this.#active));
    }
    const active = options[this.#active];
    this.#input.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Element} option */
function nameOf(option) {
  return option.getAttribute("data-name") ?? "";
}

/** A copy of what this template holds. @param {string} selector */
function copyOf(selector) {
  const content = find(document, selector, HTMLTemplateElement).content.cloneNode(true);
  return find(/** @type {DocumentFragment} */ (content), "li", HTMLElement);
}
