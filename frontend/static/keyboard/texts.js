/** The words of the help, by language and key. */

/** @type {Record<string, Record<string, string>>} */
export const TEXTS = {
  en: {
    "keys.view": "Turn to the photo or the cut-out",
    "keys.size": "Smaller or larger brush",
    "keys.leave": "Put the brush away",
    "keys.move": "Move the picture, when it is zoomed in",
    "keys.single": "Single keys work, without Ctrl or ⌘",
    "keys.single-hint": "Switch them off if you speak to your computer, or press keys by accident.",
    "keys.picture": "When the cut-out has the focus",
    "keys.close": "Close",
  },
  es: {
    "keys.view": "Pasar a la foto o al recorte",
    "keys.size": "Pincel más pequeño o más grande",
    "keys.leave": "Dejar el pincel",
    "keys.move": "Mover la imagen ampliada",
    "keys.single": "Usar teclas sueltas, sin Ctrl ni ⌘",
    "keys.single-hint": "Desactívalas si le hablas al ordenador o pulsas teclas sin querer.",
    "keys.picture": "Cuando el recorte tiene el foco",
    "keys.close": "Cerrar",
  },
  de: {
    "keys.view": "Zum Foto oder zum Freisteller wechseln",
    "keys.size": "Pinsel kleiner oder größer",
    "keys.leave": "Pinsel weglegen",
    "keys.move": "Das vergrößerte Bild verschieben",
    "keys.single": "Einzelne Tasten nutzen, ohne Strg oder ⌘",
    "keys.single-hint": "Schalte sie aus, wenn du mit dem Computer sprichst oder Tasten versehentlich drückst.",
    "keys.picture": "Wenn der Freisteller den Fokus hat",
    "keys.close": "Schließen",
  },
  fr: {
    "keys.view": "Passer à la photo ou au détourage",
    "keys.size": "Pinceau plus petit ou plus grand",
    "keys.leave": "Poser le pinceau",
    "keys.move": "Déplacer l’image agrandie",
    "keys.single": "Utiliser des touches seules, sans Ctrl ni ⌘",
    "keys.single-hint": "Désactivez-les si vous parlez à votre ordinateur ou appuyez sur des touches par accident.",
    "keys.picture": "Quand le détourage a le focus",
    "keys.close": "Fermer",
  },
};
