/** What every part of this folder needs: its words and its style. */

import { make } from "../elements.js";
import { addTexts } from "../words/translate.js";
import { TEXTS } from "./texts.js";

addTexts(TEXTS);
document.head.append(make("link", { rel: "stylesheet", href: "model/model.css" }));
