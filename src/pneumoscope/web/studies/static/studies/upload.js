// Dropped or chosen files become rows at once, are sent three at a time with their progress, can be
// paused, gone on with and cancelled, and are replaced by the rows the server answers with.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;

  const AT_ONCE = 3;
  const rows = document.getElementById("rows");
  const bar = document.getElementById("upload-bar");
  const words = document.getElementById("upload-words").content;
  const patient = document.getElementById("patient-fields");
  const items = new Set(); // all that are not done
  let sent = 0;

  const word = (key, values = {}) => {
    const text = words.querySelector(`[data-word="${key}"]`).textContent;
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const size = (bytes) =>
    bytes < 1e6 ? `${number.format(bytes && Math.max(1, Math.round(bytes / 1e3)))} kB` : `${number.format(bytes / 1e6)} MB`;

  // What a state looks like: icon, word, whether it moves, and what can be done about it.
  const STATES = {
    waiting_turn: ["waiting", "turn", "pause"],
    checking: ["working", "checking", "pause"],
    sending: ["upload", "sending", "pause"],
    receiving: ["working", "receiving", ""],
    waiting: ["waiting", "lost", "resume"],
    locked: ["lock", "locked", ""],
    paused: ["waiting", "paused", "resume"],
    unreadable: ["failed", "failed", "again"],
    failed: ["failed", "failed", "again"],
  };
  const TROUBLE = new Set(["unreadable", "failed", "waiting", "locked"]);
  const ACTIVE = new Set(["checking", "sending", "receiving", "waiting", "locked"]);

  const show = (item, state, said = "") => {
    item.state = state;
    const [icon, name, does] = STATES[state];
    const { row } = item;
    const part = (selector) => row.querySelector(selector);
    const use = part("[data-state] use");
    use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${icon}`);
    part("[data-state] span").textContent = word(name);
    part("[data-state]").className = `state ${state === "failed" || state === "unreadable" ? "failed" : ""}`;
    part("[data-said]").hidden = !TROUBLE.has(state);
    part("[data-said]").textContent = said;
    part("progress").hidden = ["failed", "unreadable"].includes(state);
    if (["checking", "receiving"].includes(state)) part("progress").removeAttribute("value");
    else part("progress").value = item.done / (item.file.size || 1);
    part("[data-size]").textContent = item.done && item.done < item.file.size ?
      word("of", { done: size(item.done), whole: size(item.file.size) }) : size(item.file.size);
    for (const button of row.querySelectorAll("[data-do]")) {
      button.hidden = !(button.dataset.do === does || button.dataset.do === "cancel" && state !== "receiving");
    }
    if (said && item.said !== said) Rows.announce(`${item.name}: ${said}`);
    item.said = said;
    summary();
  };

  const why = (status) =>
    word([403, 413].includes(status) ? `status-${status}` : "status-other", { limit: form.dataset.limitWords });
  const TELLS = {
    checking: () => "",
    sending: () => "",
    receiving: () => "",
    paused: () => "",
    waiting: (item) => word("lost-why", { done: size(item.done) }),
    locked: (item, state) => word(state === "locked" ? "locked-why" : "ended-why"),
    unreadable: () => word("unreadable-why"),
    failed: (item, status) => why(status),
  };

  const tell = (item) => (state, detail) => {
    if (!items.has(item)) return;
    if (state === "done") return arrived(item, detail);
    if (["sending", "paused", "waiting"].includes(state)) item.done = Math.min(detail, item.file.size);
    show(item, state, TELLS[state](item, detail));
    next();
  };

  const arrived = (item, html) => {
    items.delete(item);
    sent += 1;
    const answer = document.createElement("template");
    answer.innerHTML = html;
    const fresh = [...answer.content.querySelectorAll("tr")];
    Rows.keepStill(() => {
      for (const row of fresh) {
        const older = row.id && document.getElementById(row.id);
        if (older && older !== item.row) older.remove();
      }
      item.row.replaceWith(...fresh);
    });
    Rows.announceRows(fresh);
    Rows.hurry();
    summary();
    next();
  };

  const next = () => {
    const active = [...items].filter((item) => ACTIVE.has(item.state)).length;
    const waiting = [...items].filter((item) => item.state === "waiting_turn");
    const due = waiting.slice(0, Math.max(0, AT_ONCE - active));
    // All are marked before the first starts: starting one comes back here.
    for (const item of due) item.state = "checking";
    for (const item of due) item.transfer.start();
  };

  const act = {
    pause: (item) => {
      if (item.state === "waiting_turn") { show(item, "paused"); next(); } else if (ACTIVE.has(item.state)) item.transfer.pause();
    },
    resume: (item) => {
      if (item.state === "waiting") item.transfer.pause();
      if (item.state === "paused") { item.transfer.broken = true; show(item, "waiting_turn"); next(); }
    },
    again: (item) => { item.done = 0; item.transfer = transferOf(item); show(item, "waiting_turn"); next(); },
    cancel: (item) => {
      items.delete(item);
      item.transfer.cancel();
      item.row.remove();
      Rows.announce(word("cancelled", { name: item.name }));
      summary();
      next();
    },
  };
  const all = { pause: ["waiting_turn", "checking", "sending", "waiting"], resume: ["paused"] };

  const summary = () => {
    const whole = sent + items.size;
    bar.hidden = !items.size;
    bar.querySelector("[data-summary]").textContent = word("summary", { sent: number.format(sent), whole: number.format(whole) });
    for (const [name, states] of Object.entries(all)) {
      bar.querySelector(`[data-all=${name}]`).hidden = ![...items].some((item) => states.includes(item.state));
    }
    if (!items.size) sent = 0;
  };
  bar.addEventListener("click", (event) => {
    const name = event.target.closest("[data-all]")?.dataset.all;
    const states = all[name];
    for (const item of [...items]) if (name && (!states || states.includes(item.state))) act[name](item);
  });

  const described = () => {
    const told = {};
    for (const [key, value] of patient ? new FormData(patient) : []) {
      if (key === "symptoms") (told.symptoms ??= []).push(value);
      else if (value.trim()) told[key] = value.trim();
    }
    return JSON.stringify(told);
  };

  const transferOf = (item) => new Tus.Transfer(item.file, {
    address: form.dataset.upload,
    script: form.dataset.hash,
    token: () => form.elements.csrfmiddlewaretoken.value,
    metadata: { filename: item.name, patient: item.patient },
    tell: tell(item),
  });

  const put = ({ file, name }, spot, patientSaid) => {
    const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    const item = { file, name, row, patient: patientSaid, done: 0 };
    row.querySelector("[data-name]").textContent = row.querySelector("[data-name]").title = name;
    row.addEventListener("click", (event) => {
      const what = event.target.closest("[data-do]")?.dataset.do;
      if (what) act[what](item);
    });
    item.transfer = transferOf(item);
    items.add(item);
    spot.replaceWith(row);
    show(item, "waiting_turn");
  };

  const add = (found) => {
    if (!found.length || (patient && !patient.reportValidity())) return;
    document.getElementById("empty")?.remove();
    rows.closest("table").hidden = false;
    const spots = found.map(() => document.createElement("tr"));
    rows.prepend(...spots);
    const said = described();
    found.forEach((each, i) => put(each, spots[i], said));
    rows.closest("table").scrollIntoView({ block: "nearest" });
    next();
  };

  // What broke off on an earlier visit: the server forgets it on demand.
  document.addEventListener("click", async (event) => {
    const address = event.target.closest("[data-forget]")?.dataset.forget;
    if (!address) return;
    const headers = { ...Lock.headers(), "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    const answer = await fetch(address, { method: "DELETE", headers }).catch(() => null);
    if (answer?.ok || answer?.status === 404) event.target.closest("li").remove();
  });

  // On a phone the patient's fields are folded away, until one of them needs a look.
  const fold = patient?.querySelector("details");
  if (fold && matchMedia("(max-width: 640px)").matches) fold.open = false;
  patient?.addEventListener("invalid", () => { fold.open = true; }, true);

  Dropped.listen(document.getElementById("drop"), document.querySelectorAll("[data-files]"), add);
  addEventListener("beforeunload", (event) => {
    if ([...items].some((item) => item.state !== "failed")) event.preventDefault();
  });
  Keys.listen({ u: () => document.getElementById("files").click() });
})();
