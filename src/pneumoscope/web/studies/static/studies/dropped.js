// Files that were dropped, chosen or photographed, folders read through, as [{ file, name }].
"use strict";
const Dropped = (() => {
  const CLUTTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|DICOMDIR|__MACOSX\/.*)$/i;
  const wanted = (items) => items.filter((item) => !CLUTTER.test(item.name));

  // A directory reader answers in batches until it answers with none.
  const entriesOf = (reader) => new Promise((done, fail) => reader.readEntries(done, fail));
  const fileOf = (entry) => new Promise((done, fail) => entry.file(done, fail));
  const filesIn = async (entry) => {
    if (entry.isFile) return [{ file: await fileOf(entry), name: entry.fullPath.replace(/^\//, "") }];
    const reader = entry.createReader();
    const found = [];
    for (let batch = await entriesOf(reader); batch.length; batch = await entriesOf(reader)) {
      for (const child of batch) found.push(...await filesIn(child));
    }
    return found;
  };

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

  /** Every drop on the page, and every choice in `inputs`, is given to `add`. */
  const listen = (drop, inputs, add) => {
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
      const plain = [...event.dataTransfer.files].map((file) => ({ file, name: file.name }));
      if (!entries.length) return add(wanted(plain));
      for (const entry of entries) add(wanted(await filesIn(entry)));
    });
    for (const input of inputs) {
      input.addEventListener("change", () => {
        add(wanted([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name }))));
        input.value = "";
      });
    }
  };
  return { listen };
})();
