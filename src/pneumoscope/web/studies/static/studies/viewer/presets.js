// The windows of the file, the full range and one for the lungs, in a list and under the digits.
import { words } from "./words.js";

const nameOf = ({ name, label }, index) => (name === "file" ? label || words("file", index) : words(name));

const same = (a, b) => Math.abs(a.low - b.low) < 0.6 && Math.abs(a.high - b.high) < 0.6;

export const presets = (select, pane) => {
  // Those that every radiograph has come first, so that their digits are always the same.
  const order = ["received", "full", "lung", "file"];
  const windows = [...pane.levels.windows].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const names = windows.map(nameOf);
  const own = new Option(words("own"), "own", false, false);
  own.hidden = true;
  select.replaceChildren(...names.map((name, index) => new Option(`${index + 1}  ${name}`, index)), own);

  const choose = (index) => {
    if (!windows[index]) return undefined;
    pane.window = windows[index];
    return names[index];
  };
  select.addEventListener("change", () => {
    choose(Number(select.value));
    pane.stage.focus({ preventScroll: true });
  });
  return {
    choose,
    /** The list shows the preset in use, or that there is none. */
    follow: () => {
      const index = windows.findIndex((window) => same(window, pane.window));
      select.value = index < 0 ? "own" : index;
    },
  };
};
