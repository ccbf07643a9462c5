/** What failed, in the person's language: a call of the server, or something on this page. */

import { ApiError } from "../server/api.js";
import { has, t } from "./translate.js";

/**
 * Return the page's message for the error's code, made of its facts, or the server's own.
 * @param {unknown} error
 */
export function wordsFor(error) {
  if (!(error instanceof ApiError)) return t("error.page");
  const { code, message, details, requestId } = error;
  const key = [`error.${code}.${details.reason ?? details.field}`, `error.${code}`].find(has);
  const words = key ? t(key, facts(details)) : message;
  return code === "internal" && requestId ? `${words} ${t("error.request", { id: requestId })}` : words;
}

/** Convert the facts of an error to what people read. @param {import("../server/api.js").Details} details */
function facts({ max_bytes = 0, max_pixels = 0, names, ...others }) {
  return { ...others, megabytes: max_bytes / 1e6, megapixels: max_pixels / 1e6, names: names?.join(", ") };
}
