// The verdict in one key: A, D and U choose it and bring the form into sight; read blind, the
// impression is P, N or U.
"use strict";
(() => {
  /** As if it had been typed in: app.js asks before such a form is left. */
  const unsaved = (form) => form.dispatchEvent(new Event("input", { bubbles: true }));

  const choose = (value) => () => {
    const form = document.querySelector("[data-review], [data-impression]");
    const verdict = form?.querySelector(`input[type=radio][value="${value}"]`);
    if (!verdict) return false;
    form.closest("details")?.setAttribute("open", "");
    verdict.checked = true;
    unsaved(form);
    verdict.focus();
    form.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:afterSwap", () => {
    const says = document.getElementById("review")?.dataset.says;
    if (says) document.getElementById("live").textContent = says;
    const refused = document.querySelector(".block.review:has([role=alert]) form[data-keeps]");
    if (refused) unsaved(refused);
  });
  // One that was sent and still stands was not taken: the connection broke, or the session locked.
  document.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => {
    if (elt.isConnected && elt.matches("form[data-keeps]")) unsaved(elt);
  });
  Keys.listen({ a: choose("agree"), d: choose("disagree"), u: choose("unsure"), p: choose("pneumonia"), n: choose("normal") });
})();
