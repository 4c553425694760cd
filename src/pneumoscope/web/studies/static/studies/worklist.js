// Results without a reload: rows that are still pending, and only they, are asked for until none is.
"use strict";
const Worklist = (() => {
  const SOON = 600;
  const LATER = 5000; // while the server does not answer
  const AT_ONCE = 40; // rows per request: keeps the address short

  const rows = document.getElementById("rows");
  const poller = document.getElementById("poll");
  const offline = document.getElementById("offline");
  let timer = 0;
  let turn = 0;

  const pending = () => [...rows.querySelectorAll("[data-pending]")].map((row) => row.dataset.pending);

  const poll = (delay = SOON) => {
    clearTimeout(timer);
    if (pending().length) timer = setTimeout(() => htmx.trigger(poller, "poll"), delay);
  };

  poller.addEventListener("htmx:configRequest", (event) => {
    const all = pending();
    const from = all.length > AT_ONCE ? (turn++ * AT_ONCE) % all.length : 0;
    event.detail.parameters = { row: all.slice(from, from + AT_ONCE).join(",") };
  });
  poller.addEventListener("htmx:afterRequest", (event) => {
    offline.hidden = event.detail.successful;
    poll(event.detail.successful ? SOON : LATER);
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    const fresh = [...rows.querySelectorAll("[data-fresh]")];
    announceRows(fresh);
    for (const row of fresh) delete row.dataset.fresh;
  });

  // What arrived, in words, for those who do not see the row change.
  const live = document.getElementById("live");
  let said = [];
  let silence = 0;
  const announce = (sentence) => {
    said.push(sentence);
    clearTimeout(silence);
    silence = setTimeout(() => { live.textContent = said.join(". "); said = []; }, 300);
  };
  const announceRows = (fresh) => {
    for (const row of fresh) if (row.dataset.says) announce(row.dataset.says);
  };

  // The row under the pointer stays where it is on the screen while `change` adds or removes others.
  let pointer = null;
  document.addEventListener("pointermove", (event) => { pointer = event; }, { passive: true });
  const keepStill = (change) => {
    const row = pointer && document.elementFromPoint(pointer.clientX, pointer.clientY)?.closest("#rows > tr");
    const before = row?.getBoundingClientRect().top;
    change();
    if (row?.isConnected) scrollBy({ top: row.getBoundingClientRect().top - before, behavior: "instant" });
  };

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
    selection.querySelector("[data-chosen]").textContent = count === 1 ? "1 study" : `${count} studies`;
  };
  const choose = () => {
    const box = document.activeElement.closest("#rows > tr")?.querySelector(".choose");
    if (!box) return false;
    box.checked = !box.checked;
    chosen();
    return true;
  };
  rows.addEventListener("change", chosen);
  addEventListener("pageshow", chosen);
  selection.addEventListener("click", (event) => {
    const asks = event.target.closest("[data-asks]")?.dataset.asks;
    if (asks && !confirm(asks)) event.preventDefault();
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

  poll();
  return { announce, announceRows, keepStill, poll };
})();
