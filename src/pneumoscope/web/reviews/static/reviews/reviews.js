// The verdict in one key: A, D and U choose it and bring the form into sight.
"use strict";
(() => {
  const choose = (value) => () => {
    const form = document.querySelector("[data-review]");
    const verdict = form?.querySelector(`input[name=agreement][value="${value}"]`);
    if (!verdict) return false;
    form.closest("details")?.setAttribute("open", "");
    verdict.checked = true;
    verdict.focus();
    form.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("htmx:afterSwap", () => {
    const says = document.getElementById("review")?.dataset.says;
    if (says) document.getElementById("live").textContent = says;
  });
  Keys.listen({ a: choose("agree"), d: choose("disagree"), u: choose("unsure") });
})();
