/** Which of the server's models is asked. */

let model = "";

/** The name of the model; empty is the server's default. */
export function chosenModel() {
  return model;
}

/** @param {string} name empty for the server's default */
export function chooseModel(name) {
  model = name;
}

/** The fields that name the model; none for the server's default. @returns {{model?: string}} */
export function modelFields() {
  return model ? { model } : {};
}
