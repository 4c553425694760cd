// Rows that turn into results, and studies that arrive, without a reload. Asked for often is what is
// still pending on the page; now and then, on the list's first page, what came since.
"use strict";
const Rows = (() => {
  const FIRST = 75; // after a file arrived: most results are there by then
  const SOON = 600;
  const LATER = 5000; // while the server does not answer
  const SELDOM = 15000; // for what others send
  const AT_ONCE = 40; // rows per request: keeps the address short

  const rows = document.getElementById("rows");
  const poller = document.getElementById("poll");
  const offline = document.getElementById("offline");
  let timer = 0;
  let turn = 0;
  let pace = SOON;

  const pending = () => [...rows.querySelectorAll("[data-pending]")].map((row) => row.dataset.pending);

  const poll = (delay = pace) => {
    clearTimeout(timer);
    if (pending().length) timer = setTimeout(() => htmx.trigger(poller, "poll"), delay);
    else if (poller.dataset.since) timer = setTimeout(() => htmx.trigger(poller, "poll"), Math.max(delay, SELDOM));
  };

  const hurry = () => {
    pace = FIRST;
    poll();
  };

  poller.addEventListener("htmx:configRequest", (event) => {
    const all = pending();
    const from = all.length > AT_ONCE ? (turn++ * AT_ONCE) % all.length : 0;
    event.detail.parameters = { row: all.slice(from, from + AT_ONCE).join(",") };
    if (poller.dataset.since) event.detail.parameters.since = poller.dataset.since;
  });
  poller.addEventListener("htmx:afterRequest", (event) => {
    offline.hidden = event.detail.successful;
    const since = event.detail.xhr.getResponseHeader("X-Pneumoscope-Since");
    if (since && poller.dataset.since) poller.dataset.since = since;
    pace = Math.min(SOON, 1.5 * pace);
    poll(event.detail.successful ? pace : LATER);
  });
  // A row that was chosen stays so when its result arrives.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    if (detail.target === rows) {
      detail.shouldSwap = false;
      return arrive(detail.fragment);
    }
    const [box, older] = [detail.fragment, detail.target].map((each) => each.querySelector(".choose"));
    if (box && older) box.checked = older.checked;
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

  // What others sent goes to the top; what this page knows already stays where it is.
  const arrive = (fragment) => {
    const fresh = [...fragment.querySelectorAll("tr")].filter((row) => !document.getElementById(row.id));
    if (!fresh.length) return;
    document.getElementById("empty")?.remove();
    rows.closest("table").hidden = false;
    keepStill(() => rows.prepend(...fresh));
    announceRows(fresh);
  };

  poll();
  return { announce, announceRows, hurry, keepStill };
})();
