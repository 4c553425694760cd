// The worklist by keys, and what is done with chosen rows.
"use strict";
(() => {
  const rows = document.getElementById("rows");

  // j and k move the focus from study to study, so that Enter opens it like any link.
  const step = (by) => () => {
    const links = [...rows.querySelectorAll("a.open")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by));
    links[to].focus();
    links[to].closest("tr").scrollIntoView({ block: "nearest" });
  };

  // Chosen rows bring up what can be done with them.
  const selection = document.querySelector("[data-selection]");
  const boxes = () => [...rows.querySelectorAll(".choose")];
  const chosen = () => {
    const count = boxes().filter((box) => box.checked).length;
    selection.hidden = count === 0;
    selection.querySelector("[data-chosen]").textContent = count;
  };
  const choose = () => {
    const box = document.activeElement.closest("#rows > tr")?.querySelector(".choose");
    if (!box || !selection.querySelector("[name=do]")) return false;
    box.checked = !box.checked;
    chosen();
    return true;
  };
  rows.addEventListener("change", chosen);
  addEventListener("pageshow", chosen);
  selection.addEventListener("click", (event) => {
    if (!event.target.closest("[data-choose-none]")) return;
    for (const box of boxes()) box.checked = false;
    chosen();
  });

  Keys.listen({
    x: choose,
    f: () => {
      const more = document.getElementById("more-filters");
      more.open = !more.open;
      if (more.open) more.querySelector("select, input").focus();
    },
    n: () => document.querySelector("a[rel=next]")?.click(),
    j: step(1),
    k: step(-1),
    "/": () => { const search = document.getElementById("search"); search.focus(); search.select(); },
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
})();
