// What every page does: its keys, and what happens when the session has ended.
"use strict";
const Keys = (() => {
  const typing = (target) =>
    target.closest("input:not([type=range], [type=checkbox], [type=file]), textarea, select, [contenteditable]") ||
    document.querySelector("dialog[open]");

  /** Call `commands[key](event)` unless the reader is typing or holds a modifier. A letter is the
   * same key with and without Shift; a command that answers false leaves the key to the browser. */
  const listen = (commands) => document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = /^[A-Z]$/.test(event.key) ? event.key.toLowerCase() : event.key;
    if (Object.hasOwn(commands, key) && commands[key](event) !== false) event.preventDefault();
  });

  const open = () => document.getElementById("keys")?.showModal();
  listen({ "?": open });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-open]")) open();
  });
  return { listen };
})();

// What cannot be undone is asked about first.
document.addEventListener("click", (event) => {
  const asks = event.target.closest("[data-asks]")?.dataset.asks;
  if (asks && !confirm(asks)) event.preventDefault();
});

// Words that would be lost: a form is left only on purpose.
(() => {
  const typed = new Set();
  const guarded = (event) => event.target.closest("form[data-keeps]");
  document.addEventListener("input", (event) => { if (guarded(event)) typed.add(guarded(event)); });
  document.addEventListener("submit", (event) => { typed.delete(event.target); });
  addEventListener("beforeunload", (event) => { if (typed.size) event.preventDefault(); });
})();

// Only over HTTPS and on the machine itself; elsewhere only the page for a lost server is missing.
navigator.serviceWorker?.register("/service-worker.js").catch(() => null);
