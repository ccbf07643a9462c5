/* Whether /docs is dark, as the system is. Swagger UI has both looks and takes the dark one by a class. */

const system = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", system.matches);

system.addEventListener("change", follow);
follow();
