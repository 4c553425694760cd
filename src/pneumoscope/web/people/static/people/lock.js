// A page left alone locks: it stays as it is, unseen, until its person gives the password. The server
// locks by itself too; whichever notices first, the page under the lock loses nothing.
"use strict";
const Lock = (() => {
  const dialog = document.getElementById("lock");
  const after = 1000 * dialog.dataset.after;
  const remembered = "pneumoscope.touched";
  const title = document.title;
  let touched = Date.now();
  let told = touched;
  let state = "open";

  // Another window of the same browser may be in use.
  const store = (value) => { try { localStorage.setItem(remembered, value); } catch { /* this window alone */ } };
  const stored = () => { try { return Number(localStorage.getItem(remembered)) || 0; } catch { return 0; } };
  const idle = () => Date.now() - Math.max(touched, stored());

  const touch = () => {
    const now = Date.now();
    if (now - touched > 1000) store(now);
    touched = now;
  };
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, touch, { passive: true, capture: true });
  }

  const headers = () => ({ "HX-Request": "true", "X-Idle-Seconds": String(Math.floor(idle() / 1000)) });
  const say = (html) => { dialog.querySelector("[data-said]").innerHTML = html; };

  const show = (now) => {
    state = now;
    for (const part of dialog.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== now;
    document.documentElement.dataset.locked = now;
    document.title = dialog.dataset.title;
    if (!dialog.open) dialog.showModal();
  };
  const hide = () => {
    state = "open";
    say("");
    dialog.querySelector("[name=password]")?.form.reset();
    delete document.documentElement.dataset.locked;
    document.title = title;
    touch();
    store(Date.now());
    if (dialog.open) dialog.close();
  };
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => { if (state !== "open") dialog.showModal(); });

  /** What the server says of the session becomes what the page shows. */
  const learn = async () => {
    const answer = await fetch(dialog.dataset.session, { headers: headers(), cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    const now = await answer.json();
    told = Date.now();
    if (now.person && String(now.person) !== dialog.dataset.person) return location.reload();
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = now.csrf;
    if (now.state !== "open") show(now.state);
    else if (state !== "open") hide();
  };

  const post = (form) => fetch(form.action, { method: "POST", body: new FormData(form), headers: headers() });
  const lockNow = async () => {
    show("locked");
    const form = dialog.querySelector("[data-unlock]");
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    await fetch(dialog.dataset.lock, { method: "POST", body, headers: headers() }).catch(() => null);
  };

  document.addEventListener("submit", async (event) => {
    if (event.target.matches("[data-lock-now]")) {
      event.preventDefault();
      event.target.closest("details").open = false;
      lockNow();
    } else if (event.target.matches("#lock [data-unlock]")) {
      event.preventDefault();
      const button = event.target.querySelector("button");
      button.disabled = true;
      const answer = await post(event.target).catch(() => null);
      button.disabled = false;
      if (answer?.ok) return hide();
      const field = event.target.querySelector("[name=password]");
      const words = answer ? await answer.text() : "";
      if (answer?.status === 401 && !words) return learn();
      if (answer?.status === 401 || answer?.status === 429) say(words);
      else say(dialog.querySelector("[data-no-answer]").innerHTML);
      field.value = "";
      field.focus();
    }
  });

  // Answers that the session refused, to any request of this page.
  document.addEventListener("htmx:configRequest", (event) => Object.assign(event.detail.headers, { "X-Idle-Seconds": headers()["X-Idle-Seconds"] }));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const refused = event.detail.xhr.status === 401 && event.detail.xhr.getResponseHeader("X-Pneumoscope-Session");
    if (refused) { event.detail.shouldSwap = false; event.detail.isError = false; show(refused); }
  });

  const tick = () => {
    if (state === "open" && idle() >= after) lockNow();
    else if (state === "open" && touched > told && Date.now() - told > Math.min(60000, after / 4)) learn();
  };
  setInterval(tick, Math.min(5000, after / 4));
  addEventListener("visibilitychange", () => { if (!document.hidden) learn(); });
  addEventListener("pageshow", (event) => { if (event.persisted) learn(); });
  addEventListener("focus", () => { if (state !== "open") learn(); });

  return { headers, show };
})();
