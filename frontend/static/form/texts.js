/** The words of the dialog for the key, by language and key. */

/** @type {Record<string, Record<string, string>>} */
export const TEXTS = {
  en: {
    "key.title": "This server wants a key",
    "key.label": "Your key",
    "key.hint": "Who runs this server gives it to you. This tab keeps it until it is closed.",
    "key.go": "Continue",
    "key.no": "Cancel",
  },
  es: {
    "key.title": "Este servidor pide una clave",
    "key.label": "Tu clave",
    "key.hint": "La da quien gestiona este servidor. Esta pestaña la guarda hasta que se cierra.",
    "key.go": "Continuar",
    "key.no": "Cancelar",
  },
  de: {
    "key.title": "Schlüssel für diesen Server",
    "key.label": "Dein Schlüssel",
    "key.hint": "Wer diesen Server betreibt, gibt ihn dir. Dieser Tab behält ihn, bis er geschlossen wird.",
    "key.go": "Weiter",
    "key.no": "Abbrechen",
  },
  fr: {
    "key.title": "Ce serveur demande une clé",
    "key.label": "Votre clé",
    "key.hint": "La personne qui gère ce serveur vous la donne. Cet onglet la garde jusqu’à sa fermeture.",
    "key.go": "Continuer",
    "key.no": "Annuler",
  },
};
