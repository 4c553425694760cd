// The verdict in one key: A, D and U choose it and bring the form into sight; read blind, the
// impression is A, N or U. (P moves the image.)
"use strict";
(() => {
  /** As if it had been typed in: app.js asks before such a form is left. */
  const unsaved = (form) => form.dispatchEvent(new Event("input", { bubbles: true }));

  const choose = (...values) => () => {
    const form = document.querySelector("[data-review], [data-impression]");
    const verdict = [...form?.querySelectorAll("input[type=radio]") ?? []].find((each) => values.includes(each.value));
    if (!verdict) return false;
    form.closest("details")?.setAttribute("open", "");
    verdict.checked = true;
    unsaved(form);
    // Not the choice itself: from an input no key is heard, not even the one for another verdict.
    const group = verdict.closest("fieldset");
    group.tabIndex = -1;
    group.focus();
    document.getElementById("live").textContent = verdict.labels[0].querySelector("span").firstChild.data.trim();
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
  Keys.listen({ a: choose("agree", "pneumonia"), d: choose("disagree"), n: choose("normal"), u: choose("unsure") });
})();
