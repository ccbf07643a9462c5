/** What failed, in the person's language: a call of the server, or something on this page. */

import { ApiError } from "./api.js";
import { has, t } from "./text.js";

/**
 * The page's words for the error's code, made of its facts, or the server's own.
 * @param {Error} error
 */
export function wordsFor(error) {
  if (!(error instanceof ApiError)) return t("error.page");
  const { code, message, details, requestId } = error;
  const key = [`error.${code}.${details.reason ?? details.field}`, `error.${code}`].find(has);
  const words = key ? t(key, facts(details)) : message;
  return code === "internal" && requestId ? `${words} ${t("error.request", { id: requestId })}` : words;
}

/** The facts of an error as people read them. */
function facts({ max_bytes, max_pixels, names, ...others }) {
  return { ...others, megabytes: max_bytes / 1e6, megapixels: max_pixels / 1e6, names: names?.join(", ") };
}
