// A bar of tools is one stop of the Tab key: arrows, Home and End go along it, as toolbars do.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** Buttons alone: a list and a slider have uses for arrows themselves. */
const tools = (bar) => [...bar.querySelectorAll("button")].filter((each) => !each.disabled && each.checkVisibility());

export const toolbar = (bar) => {
  const stop = (chosen) => {
    for (const each of bar.querySelectorAll("button")) each.tabIndex = each === chosen ? 0 : -1;
  };
  const first = () => stop(tools(bar)[0]);
  bar.addEventListener("focusin", (event) => event.target.matches("button") && stop(event.target));
  bar.addEventListener("focusout", (event) => bar.contains(event.relatedTarget) || first());
  bar.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(STEPS, event.key) || !event.target.matches("button")) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = tools(bar);
    const mirrored = getComputedStyle(bar).direction === "rtl" && /Left|Right/.test(event.key);
    const to = all.indexOf(event.target) + STEPS[event.key] * (mirrored ? -1 : 1);
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
    event.preventDefault();
  });
  first();
};
