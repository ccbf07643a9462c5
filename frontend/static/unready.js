/**
 * Tells why the page has not started, in words of its own: whatever it could import may be what fails. Should it fail
 * itself, those in index.html stay.
 */

const MOMENT_MS = 4000; // after which page.css shows them

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  en: {
    missing: "This could not be loaded: {names}.",
    waiting: "Still loading: {names}.",
    broken: "It stopped at an error. {names}",
  },
  es: {
    missing: "No se ha podido cargar: {names}.",
    waiting: "Aún se está cargando: {names}.",
    broken: "Se ha parado por un error. {names}",
  },
  de: {
    missing: "Konnte nicht geladen werden: {names}.",
    waiting: "Wird noch geladen: {names}.",
    broken: "Ein Fehler hat den Start verhindert. {names}",
  },
  fr: {
    missing: "N’a pas pu être chargé : {names}.",
    waiting: "Encore en chargement : {names}.",
    broken: "Une erreur a arrêté le démarrage. {names}",
  },
};

const place = document.querySelector(".unready") ?? document.body;
const asked = new URLSearchParams(location.search).get("lang");
const languages = [asked, ...navigator.languages].map((tag) => tag?.toLowerCase().split("-")[0] ?? "");
const language = languages.find((tag) => Object.hasOwn(WORDS, tag)) ?? "en";

// The words of other languages are asked for by translate.js: late, and without a link that tells whether they came.
if (language !== "en") {
  const link = document.createElement("link");
  link.rel = "modulepreload";
  link.href = `words/${language}.js`;
  document.head.append(link);
}

const reason = document.createElement("p");
/** @type {string[]} */
const errors = [];

for (const other of place.querySelectorAll(`p:not([lang=${language}])`)) other.remove();
place.append(reason);
reason.lang = language;

addEventListener("error", note, true); // captured: those of single files do not come up to the window
setTimeout(tell, MOMENT_MS);
if (files(failed).length) tell();

/** @param {Event} event */
function note(event) {
  const { target } = event;
  if (event instanceof ErrorEvent) errors.push(event.message);
  if (target === window || (target instanceof Element && target.matches("script, link"))) tell();
}

function tell() {
  if (document.body.hasAttribute("data-ready")) return;
  const causes = { missing: files(failed), waiting: files((answer) => !answer) };
  // An error may have come before anybody listened.
  const [cause, names] = Object.entries(causes).find(([, found]) => found.length) ?? ["broken", errors];
  reason.textContent = WORDS[language][cause].replace("{names}", names.join(", "));
  document.body.toggleAttribute("data-failed", cause !== "waiting");
}

/**
 * The modules that the page begins with, by what is known of the answers to them.
 * @param {(answer?: PerformanceEntry) => boolean} are
 */
function files(are) {
  /** @type {NodeListOf<HTMLLinkElement>} */
  const parts = document.querySelectorAll("link[rel=modulepreload]");
  const found = [...parts].filter(({ href }) => are(performance.getEntriesByName(href)[0]));
  return found.map((part) => part.getAttribute("href"));
}

/** @param {PerformanceEntry} [answer] */
function failed(answer) {
  if (!(answer instanceof PerformanceResourceTiming)) return false;
  return answer.responseStatus === 0 || answer.responseStatus >= 400; // 0: no answer
}
