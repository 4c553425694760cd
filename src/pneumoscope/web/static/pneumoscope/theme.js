// Runs before the first paint. Dark unless the reader chose light, or to follow the system.
"use strict";
(() => {
  const root = document.documentElement;
  const key = "pneumoscope.theme";
  const modes = ["dark", "light", "system"];

  try {
    const remembered = localStorage.getItem(key);
    if (modes.includes(remembered)) root.dataset.theme = remembered;
  } catch { /* storage is blocked: the default stands */ }

  const current = () => root.dataset.theme || modes[0];
  const next = () => modes[(modes.indexOf(current()) + 1) % modes.length];

  const describe = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      const words = button.dataset;
      button.querySelector("[data-theme-word]").textContent = words[current()];
      button.title = words.sentence.replace("NOW", words[current()]).replace("NEXT", words[next()]);
    }
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    root.dataset.theme = next();
    try { localStorage.setItem(key, current()); } catch { /* for this page only */ }
    describe();
  });
  document.addEventListener("DOMContentLoaded", describe);
})();
