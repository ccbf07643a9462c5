/** A failed call of the server in the person's language. */

import { has, t } from "./text.js";

/**
 * The page's words for the error's code, made of its facts, or the server's own.
 * @param {import("./api.js").ApiError} error
 */
export function wordsFor({ code, message, details, requestId }) {
  const key = [`error.${code}.${details.reason ?? details.field}`, `error.${code}`].find(has);
  const words = key ? t(key, facts(details)) : message;
  return code === "internal" && requestId ? `${words} ${t("error.request", { id: requestId })}` : words;
}

/** The facts of an error as people read them. */
function facts({ max_bytes, max_pixels, names, ...others }) {
  return { ...others, megabytes: max_bytes / 1e6, megapixels: max_pixels / 1e6, names: names?.join(", ") };
}
