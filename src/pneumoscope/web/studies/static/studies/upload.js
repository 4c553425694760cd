// Dropped or chosen files become rows at once, are sent three at a time with their progress, and
// are replaced by the rows the server answers with. Errors stay in their row with the remedy.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;

  const AT_ONCE = 3;
  const CLUTTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX\/.*)$/i;
  const rows = document.getElementById("rows");
  const waiting = [];
  let running = 0;

  const words = (bytes) =>
    bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

  const fromTemplate = (id, item) => {
    const row = document.getElementById(id).content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = item.name;
    row.querySelector("[data-name]").title = item.name;
    row.querySelector("[data-size]").textContent = words(item.file.size);
    return row;
  };

  const trouble = (item, what, remedy, again) => {
    const row = fromTemplate("trouble-row", item);
    row.querySelector("[data-what]").textContent = what;
    row.querySelector("[data-remedy]").textContent = remedy;
    if (again) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "retry";
      button.textContent = "Send again";
      button.addEventListener("click", () => { put(item, row); next(); });
      row.querySelector(".wide").append(button);
    }
    item.row.replaceWith(row);
    item.row = row;
    Worklist.announce(`${item.name}: ${what}`);
  };

  const arrived = (item, html) => {
    const answer = document.createElement("template");
    answer.innerHTML = html;
    const fresh = [...answer.content.querySelectorAll("tr")];
    Worklist.keepStill(() => {
      for (const row of fresh) {
        const older = row.id && document.getElementById(row.id);
        if (older && older !== item.row) older.remove();
      }
      item.row.replaceWith(...fresh);
    });
    Worklist.announceRows(fresh);
    Worklist.poll();
  };

  const send = (item) => {
    running += 1;
    const request = new XMLHttpRequest();
    const progress = item.row.querySelector("progress");
    const state = item.row.querySelector("[data-state] span");
    state.textContent = "Sending";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress.value = event.loaded / event.total;
    };
    request.upload.onload = () => {
      progress.removeAttribute("value");
      state.textContent = "Checking";
    };
    request.onloadend = () => {
      running -= 1;
      finish(item, request);
      next();
    };
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    const body = new FormData();
    body.append("file", item.file, item.name);
    request.send(body);
  };

  const refused = (item, state) => {
    const words = state === "locked" ? "Your session is locked." : "Your session has ended.";
    trouble(item, words, "Unlock it or sign in again, then send the file once more.", true);
    Lock.show(state);
  };

  const finish = (item, request) => {
    const rowsCame = request.getResponseHeader("X-Pneumoscope-Rows");
    if (rowsCame) arrived(item, request.responseText);
    else if (request.status === 0) trouble(item, "The connection broke off.", "Nothing was stored.", true);
    else if (request.status === 401) refused(item, request.getResponseHeader("X-Pneumoscope-Session"));
    else if (request.status === 403) trouble(item, "The server refused the upload.", "Reload the page and sign in again. If it stays, your account lacks the right to upload.");
    else if (request.status === 413) trouble(item, "The file is too large.", `The limit is ${form.dataset.limitWords}.`);
    else trouble(item, "The server could not take the file.", "Nothing was stored.", true);
  };

  const next = () => {
    while (running < AT_ONCE && waiting.length) send(waiting.shift());
  };

  /** A row for the item, in place of `spot` or at the top, and its place in the line. */
  const put = (item, spot) => {
    item.row = fromTemplate("upload-row", item);
    spot.replaceWith(item.row);
    waiting.push(item);
  };

  const add = (items) => {
    const wanted = items.filter((item) => !CLUTTER.test(item.name));
    if (!wanted.length) return;
    document.getElementById("empty")?.remove();
    rows.closest("table").hidden = false;
    const spots = wanted.map(() => document.createElement("tr"));
    rows.prepend(...spots);
    wanted.forEach((item, i) => put(item, spots[i]));
    scrollTo({ top: 0 });
    next();
  };

  // Folders: a directory reader answers in batches until it answers with none.
  const entriesOf = (reader) => new Promise((done, fail) => reader.readEntries(done, fail));
  const fileOf = (entry) => new Promise((done, fail) => entry.file(done, fail));
  const filesIn = async (entry) => {
    if (entry.isFile) {
      return [{ file: await fileOf(entry), name: entry.fullPath.replace(/^\//, "") }];
    }
    const reader = entry.createReader();
    const found = [];
    for (let batch = await entriesOf(reader); batch.length; batch = await entriesOf(reader)) {
      for (const child of batch) found.push(...await filesIn(child));
    }
    return found;
  };

  const drop = document.getElementById("drop");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.hidden = true;
  });
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.hidden = true;
    // Entries must be taken before the first await: the list is emptied when this handler returns.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    if (!entries.length) return add(plain.map((file) => ({ file, name: file.name })));
    for (const entry of entries) add(await filesIn(entry));
  });

  form.elements.file.addEventListener("change", (event) => {
    add([...event.target.files].map((file) => ({ file, name: file.name })));
    form.reset();
  });
  addEventListener("beforeunload", (event) => {
    if (running || waiting.length) event.preventDefault();
  });
  Keys.listen({ u: () => form.elements.file.click() });
})();
