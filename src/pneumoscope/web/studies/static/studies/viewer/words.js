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

const SHOWN_MS = 4000;
let hiding = null;

/** Read out, and for some seconds on the image too: for what a reader would otherwise miss. */
export const tell = (sentence) => {
  announce(sentence);
  const told = document.querySelector("[data-told]");
  if (!told) return;
  told.textContent = sentence;
  told.hidden = !sentence;
  clearTimeout(hiding);
  hiding = setTimeout(() => { told.hidden = true; }, SHOWN_MS);
};

/** What `tell` shows is no longer so. */
export const hush = (sentence) => {
  const told = document.querySelector("[data-told]");
  if (told?.textContent === sentence) told.hidden = true;
};

const language = () => document.documentElement.lang || undefined;

export const figure = (value, digits = 0) =>
  value.toLocaleString(language(), { maximumFractionDigits: digits });

export const percent = (share) => `${figure(100 * share)}\u00a0%`;
