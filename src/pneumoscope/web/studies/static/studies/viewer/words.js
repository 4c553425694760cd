// What the scripts say: sentences come from the template, so that they can be translated.
const said = () => document.querySelector("[data-words]");

/** The sentence called `name`, each {} filled in with the next value. */
export const words = (name, ...values) => {
  const term = [...(said()?.querySelectorAll("dt") ?? [])].find((each) => each.textContent === name);
  const sentence = term?.nextElementSibling.textContent ?? name;
  return values.reduce((text, value) => text.replace("{}", value), sentence);
};

/** Read out by screen readers, without a word on the screen. */
export const announce = (sentence) => {
  document.getElementById("live").textContent = sentence;
};

const language = () => document.documentElement.lang || undefined;

export const figure = (value, digits = 0) =>
  value.toLocaleString(language(), { maximumFractionDigits: digits });

export const percent = (share) => `${figure(100 * share)}\u00a0%`;
