/** The field for names: chips for what is chosen, a list of known names while typing (the ARIA combobox pattern). */

import { meant, normal, suggest } from "./suggest.js";
import { called, t } from "./text.js";

const MOST_SHOWN = 6; // more hide the rest of the form; with nothing typed the whole list can be scrolled

export class NamesField {
  #input;
  #chips;
  #list;
  #known = { classes: [], synonyms: {} };
  #names = [];
  #active = -1;

  constructor(root) {
    this.#input = root.querySelector("input");
    this.#chips = root.querySelector(".chip-list");
    this.#list = root.querySelector("[role=listbox]");
    const box = root.querySelector(".chips");

    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("click", () => this.#open());
    this.#input.addEventListener("blur", () => this.#close());
    box.addEventListener("pointerdown", (event) => {
      // The input keeps the focus while something else in the box is pressed.
      if (event.target !== this.#input && !event.target.closest("button")) event.preventDefault();
      if (event.target === box) this.#input.focus();
    });
    this.#draw();
    this.#list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#take(option.dataset.name);
    });
  }

  /** What `/labels` tells: {classes, synonyms}. */
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

  /** Whether objects of a class are among what these names mean; null where only the server knows. */
  meaning(names) {
    if (!names.length) return () => true;
    const classes = meant(names, this.#known, called);
    return classes && ((name) => classes.has(name));
  }

  /** Put one name in the place of another. */
  replace(wrong, right) {
    this.names = this.#names.map((name) => (normal(name) === normal(wrong) ? right : name));
  }

  /** Mark the name that the server does not know; with null, none. */
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
    const rest = parts.pop();
    if (parts.length) {
      this.#add(parts.join(","));
      this.#input.value = rest.trimStart();
    }
    if (this.#input.value.trim()) this.#open();
    else this.#close();
  }

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
      this.#take(this.#list.children[this.#active].dataset.name);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.#close();
    } else if (event.key === "Backspace" && !this.#input.value && this.#names.length) {
      this.#remove(this.#names.length - 1);
    }
  }

  #add(text) {
    for (const name of text.split(",")) {
      const trimmed = name.trim().replace(/\s+/g, " ");
      if (trimmed && !this.#names.some((other) => normal(other) === normal(trimmed))) this.#names.push(trimmed);
    }
    this.#draw();
  }

  #take(name) {
    this.#input.value = "";
    this.#add(name);
    this.#close();
    this.focus();
  }

  #remove(index) {
    this.#names.splice(index, 1);
    this.#draw();
    this.focus();
  }

  #draw() {
    const template = document.querySelector("#chip").content;
    this.#chips.replaceChildren(
      ...this.#names.map((name, index) => {
        const chip = template.cloneNode(true).firstElementChild;
        chip.querySelector("span").textContent = name;
        const remove = chip.querySelector("button");
        remove.setAttribute("aria-label", t("names.remove", { name }));
        remove.addEventListener("click", () => this.#remove(index));
        return chip;
      }),
    );
    this.#input.placeholder = this.#names.length ? "" : t("names.example");
  }

  #open() {
    const typed = this.#input.value;
    const found = suggest(typed, this.#known, this.#names, called);
    const shown = typed.trim() ? found.slice(0, MOST_SHOWN) : found;
    const template = document.querySelector("#option").content;
    this.#list.replaceChildren(
      ...shown.map(({ name, via }, index) => {
        const option = template.cloneNode(true).firstElementChild;
        option.id = `${this.#list.id}-${index}`;
        option.dataset.name = name;
        option.querySelector("span").textContent = name;
        option.querySelector("small").textContent = via ?? "";
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
