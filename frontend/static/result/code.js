/** The page's latest request as a program: the same for curl and for Python. */

import { byId, find } from "../elements.js";
import { fileName } from "../files/naming.js";
import { address } from "../server/address.js";
import { fill, t } from "../words/translate.js";

/** @type {Record<string, string>} media types, by format */
const TYPES = { png: "image/png", webp: "image/webp", jpeg: "image/jpeg", zip: "application/zip" };
const WAIT_S = 130; // the gateway's own patience; httpx alone would give up after five seconds
const SAID_MS = 2000;

/**
 * A request of `/cut`.
 * @typedef {object} Request
 * @property {string} address of `/cut`
 * @property {{name: string, stem: string, url?: string}} photo a file of this name, or what is at `url`
 * @property {import("../server/photos.js").Fields} fields the rest; what is null, undefined or empty is left out
 * @property {string[]} names what is cut out, to name the answer's file by; empty is everything
 */

/** Write a request for curl. @param {Request} request @returns {string} a command for a POSIX shell */
export function curl(request) {
  const { texts, files, type, saved } = parts(request);
  const words = [
    `curl ${shell(request.address)}`,
    ...Object.entries(files).map(([name, file]) => `-F ${shell(`${name}=@${curlFile(file)}`)}`),
    ...Object.entries(texts).map(([name, text]) => `${curlOption(text)} ${shell(`${name}=${text}`)}`),
    `-H ${shell(`Accept: ${type}`)}`,
    `-o ${shell(saved)}`,
  ];
  return words.join(" \\\n  ");
}

/** Write a request for Python with httpx. @param {Request} request @returns {string} a program */
export function python(request) {
  const { texts, files, type, saved } = parts(request);
  const pairs = Object.entries(texts).map((pair) => pair.map(quoted).join(": "));
  const opened = Object.keys(files).map((name) => [name, name.replace("_file", "")]);
  const sent = opened.map(([name, variable]) => `${quoted(name)}: ${variable}`).join(", ");
  const post = [
    "reply = httpx.post(",
    `    ${quoted(request.address)},`,
    ...(sent ? [`    files={${sent}},`] : []),
    ...(pairs.length ? ["    data={", ...pairs.map((pair) => `        ${pair},`), "    },"] : []),
    `    headers={"Accept": ${quoted(type)}},`,
    `    timeout=${WAIT_S},`,
    ")",
  ];
  const opening = opened.map(([name, variable]) => `open(${quoted(files[name])}, "rb") as ${variable}`).join(", ");
  return [
    "import httpx",
    "",
    ...(opening ? [`with ${opening}:`, ...post.map((line) => `    ${line}`)] : post),
    "reply.raise_for_status()",
    `with open(${quoted(saved)}, "wb") as file:`,
    "    file.write(reply.content)",
  ].join("\n");
}

/**
 * Divide a request into texts, the names of files, the type that is asked for, and the name to save the answer under.
 * @param {Request} request
 */
function parts({ photo, fields, names }) {
  const { format, ...rest } = fields;
  /** @type {Record<string, string>} */
  const files = photo.url ? {} : { image_file: photo.name };
  /** @type {Record<string, string>} */
  const texts = photo.url ? { image_url: photo.url } : {};
  for (const [name, value] of Object.entries(rest)) {
    if (value instanceof File) files[name] = value.name;
    else if (!isEmpty(value)) texts[name] = asText(value);
  }
  const type = rest.output === "both" ? TYPES.zip : (TYPES[String(format)] ?? TYPES.png);
  return { files, texts, type, saved: fileName({ stem: photo.stem, names }, type) };
}

/** @param {unknown} value */
function isEmpty(value) {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
}

/**
 * Write a value as a form holds it: lists with commas, or as JSON where a comma or a bracket would be misread.
 * @param {unknown} value
 */
function asText(value) {
  if (!Array.isArray(value)) return String(value);
  const plain = value.join(",");
  return value.some((part) => String(part).includes(",")) || plain.startsWith("[") ? JSON.stringify(value) : plain;
}

/** @param {string} text */
function shell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Choose curl's option for a text: in the values of -F it gives a meaning to @ and < at the start, and to semicolons.
 * @param {string} text
 */
function curlOption(text) {
  return /^[@<]|;/.test(text) ? "--form-string" : "-F";
}

/**
 * Quote the name of a file behind `@`, where curl reads quotation marks, commas and semicolons as its own.
 * @param {string} name
 */
function curlFile(name) {
  return /[",;\\]|^\s|\s$/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name;
}

/** Quote a text for Python, whose strings include JSON's. @param {string} text */
function quoted(text) {
  return JSON.stringify(text);
}

const LANGUAGES = { curl, python };
const tab = (/** @type {string} */ name) =>
  `<button type="button" role="tab" id="code-tab-${name}" aria-controls="code-${name}" data-text="code.${name}"></button>`;
const tabPanel = (/** @type {string} */ name) =>
  `<pre role="tabpanel" id="code-${name}" aria-labelledby="code-tab-${name}" tabindex="0"><code></code></pre>`;
const MARKUP = `
  <div class="code-bar">
    <div class="code-tabs" role="tablist" data-text-aria-label="code.languages">
      ${Object.keys(LANGUAGES).map(tab).join("")}
    </div>
    <span class="hint" role="status"></span>
    <button type="button" class="button quiet small" data-part="copy"></button>
  </div>
  <p class="hint" data-part="drawn" data-text="code.drawn" hidden></p>
  ${Object.keys(LANGUAGES).map(tabPanel).join("")}`;

/** The panel that shows the request in each language, by the ARIA pattern for tabs, with a button to copy it. */
export class CodePanel {
  #tabs;
  #panels;
  #copy;
  #said;
  #drawn;

  /** @param {HTMLElement} container an empty element, which gets the panel */
  constructor(container) {
    container.classList.add("code");
    container.innerHTML = MARKUP;
    fill(container);
    this.#tabs = Object.keys(LANGUAGES).map((name) => byId(`code-tab-${name}`));
    this.#panels = Object.keys(LANGUAGES).map((name) => byId(`code-${name}`));
    this.#copy = find(container, "[data-part=copy]", HTMLElement);
    this.#said = find(container, "[role=status]", HTMLElement);
    this.#drawn = find(container, "[data-part=drawn]", HTMLElement);
    for (const [index, button] of this.#tabs.entries()) button.addEventListener("click", () => this.#open(index));
    find(container, "[role=tablist]", HTMLElement).addEventListener("keydown", (event) => this.#key(event));
    this.#copy.textContent = t(navigator.clipboard ? "code.copy" : "code.select");
    this.#copy.addEventListener("click", () => this.#take());
    this.#open(0);
  }

  /** @param {Omit<Request, "address">} shown what is on the screen */
  show(shown) {
    const request = { address: address("cut"), ...shown };
    for (const [index, write] of Object.values(LANGUAGES).entries()) {
      find(this.#panels[index], "code", HTMLElement).textContent = write(request);
    }
  }

  /** Whether the picture has strokes, which no request can have. */
  set drawn(/** @type {boolean} */ drawn) {
    this.#drawn.hidden = !drawn;
  }

  /** @param {number} chosen */
  #open(chosen) {
    for (const [index, button] of this.#tabs.entries()) {
      button.setAttribute("aria-selected", String(index === chosen));
      button.tabIndex = index === chosen ? 0 : -1; // one stop of the Tab key; arrows lead on
      this.#panels[index].hidden = index !== chosen;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const now = this.#tabs.findIndex((tab) => tab.matches(":focus"));
    const last = this.#tabs.length - 1;
    /** @type {Record<string, number>} */
    const keys = { ArrowLeft: now ? now - 1 : last, ArrowRight: now < last ? now + 1 : 0, Home: 0, End: last };
    const next = keys[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#open(next);
    this.#tabs[next].focus();
  }

  async #take() {
    const panel = this.#panels.find((panel) => !panel.hidden) ?? this.#panels[0];
    const code = find(panel, "code", HTMLElement);
    getSelection()?.selectAllChildren(code); // shows what is meant, and is all that a page without HTTPS may do
    if (!navigator.clipboard) return;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      return; // the browser's own dialogue refused it; the text stays selected
    }
    this.#said.textContent = t("code.copied");
    setTimeout(() => {
      this.#said.textContent = "";
    }, SAID_MS);
  }
}
