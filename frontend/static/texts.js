/** Every word of the page, by language and key. Keys begin with the part of the page that shows them. */

export const TEXTS = {
  en: {
    // objects
    // cutout
    // options
    // source
    // code
  },
  es: {
    // objects
    // cutout
    // options
    // source
    // code
  },
};
