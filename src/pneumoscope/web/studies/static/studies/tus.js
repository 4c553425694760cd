// One file's way to the server in parts: hash, announce, send, go on after whatever broke off. After
// the tus resumable upload protocol 1.0.0; what the server adds to it is in `upload_views`.
"use strict";
const Tus = (() => {
  const PART = 2 ** 21;
  const LONGEST_WAIT = 30000;
  const TRIES = 5; // of a server that answers and fails
  const RECEIVING = [500, 1500, 3000]; // before a file that is whole is taken for forgotten
  const BUSY = new Set([429, 502, 503, 504]);

  class Stopped extends Error {}
  class Lost extends Error {}
  class Refused extends Error {
    constructor(answer) { super(`status ${answer.status}`); this.answer = answer; }
  }

  // Hashes, one file after the other, beside the page.
  let worker = null;
  const hashing = new Map();
  const digest = (file, script) => {
    worker ??= new Worker(script, { type: "module" });
    worker.onmessage = ({ data }) => { hashing.get(data.id).done(data.sha256); hashing.delete(data.id); };
    // Its own code did not arrive: as with any other request, until the connection is there again.
    worker.onerror = () => {
      worker = null;
      for (const { fail } of hashing.values()) fail(new Lost());
      hashing.clear();
    };
    return new Promise((done, fail) => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join();
      hashing.set(id, { done, fail });
      worker.postMessage({ id, file });
    });
  };

  const ask = (method, address, { headers = {}, body = null, progress = null, signal }) => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", ...Lock.headers(), ...headers })) {
      request.setRequestHeader(name, value);
    }
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => done(request);
    request.onerror = request.ontimeout = () => fail(new Lost());
    request.onabort = () => fail(new Stopped());
    signal.addEventListener("abort", () => request.abort(), { once: true });
    if (signal.aborted) fail(new Stopped());
    else request.send(body);
  });

  const sleep = (time, signal) => new Promise((done, fail) => {
    const timer = setTimeout(done, time);
    addEventListener("online", done, { once: true });
    signal.addEventListener("abort", () => { clearTimeout(timer); fail(new Stopped()); }, { once: true });
  });
  const unlocked = (signal) => new Promise((done, fail) => {
    const root = document.documentElement;
    const observer = new MutationObserver(() => { if (!root.dataset.locked) { observer.disconnect(); done(); } });
    observer.observe(root, { attributeFilter: ["data-locked"] });
    signal.addEventListener("abort", () => { observer.disconnect(); fail(new Stopped()); }, { once: true });
  });

  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

  /** `tell(state, detail)` hears of: checking, sending, receiving, waiting, locked, paused, and at
   * the end of done (rows), unreadable, failed (status). `address`, `script`, `token()`, `metadata`. */
  class Transfer {
    constructor(file, options) { Object.assign(this, options, { file, offset: 0, failures: 0 }); }

    async start() {
      this.controller = new AbortController();
      try {
        while (!(await this.attempt()));
      } catch (error) {
        if (error instanceof Refused) this.tell("failed", error.answer.status);
        else if (!(error instanceof Stopped)) throw error;
      }
    }

    pause() { this.controller.abort(); this.tell("paused", this.offset); }

    /** Stop, and have the server forget what it holds. */
    cancel() {
      this.controller?.abort();
      if (!this.location) return;
      const { signal } = new AbortController();
      this.ask("DELETE", this.location, { signal }).catch(() => null);
    }

    ask(method, address, options = {}) {
      const headers = { "X-CSRFToken": this.token(), ...options.headers };
      return ask(method, address, { signal: this.controller.signal, ...options, headers });
    }

    /** True when there is nothing more to do. */
    async attempt() {
      try {
        await this.through();
        return true;
      } catch (error) {
        const { signal } = this.controller;
        this.broken = true;
        if (error instanceof Lost || BUSY.has(error.answer?.status)) {
          this.tell("waiting", this.offset);
          await sleep(Math.min(LONGEST_WAIT, 1000 * 2 ** this.failures++), signal);
        } else if (error.answer?.status === 401) {
          const state = error.answer.getResponseHeader("X-Pneumoscope-Session");
          this.tell("locked", state);
          Lock.show(state);
          await unlocked(signal);
        } else if (error.answer?.status === 500 && this.failures++ < TRIES) {
          await sleep(1000 * this.failures, signal);
        } else if (error.answer?.status !== 409) throw error;
        return false;
      }
    }

    async through() {
      if (this.sha256 === undefined) {
        const { signal } = this.controller;
        this.tell("checking");
        this.sha256 = await digest(this.file, this.script);
        if (signal.aborted) throw new Stopped();
      }
      if (this.sha256 === null) return this.tell("unreadable");
      if (this.location && this.broken) await this.whereWeAre();
      if (!this.location && (await this.announce())) return;
      this.broken = false;
      while (this.offset < this.file.size) await this.part();
      this.tell("receiving");
      this.rows(await this.received());
    }

    /** All is there. Where the connection broke, the server may still be at it; where it was cut
     * short, it begins again. */
    async received() {
      const { signal } = this.controller;
      for (const pause of RECEIVING) {
        const answer = await this.ask("GET", this.location);
        if (answer.status !== 409) return answer;
        await sleep(pause, signal);
      }
      await this.part();
      return this.ask("GET", this.location);
    }

    /** True where the announcement alone was answered: the bytes are there, or refused. */
    async announce() {
      const metadata = { ...this.metadata, sha256: this.sha256 };
      const words = Object.entries(metadata).map(([key, value]) => `${key} ${base64(value)}`);
      const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": words.join(",") };
      const answer = await this.ask("POST", this.address, { headers });
      if (answer.status !== 201) return this.rows(answer);
      this.location = answer.getResponseHeader("Location");
      this.offset = Number(answer.getResponseHeader("Upload-Offset"));
      return false;
    }

    async whereWeAre() {
      const answer = await this.ask("HEAD", this.location);
      if (answer.status === 200) this.offset = Number(answer.getResponseHeader("Upload-Offset"));
      else if (answer.status === 404) this.location = null;
      else throw new Refused(answer);
    }

    async part() {
      const from = this.offset;
      const answer = await this.ask("PATCH", this.location, {
        headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(from) },
        body: this.file.slice(from, from + PART),
        progress: (sent) => this.tell("sending", from + sent),
      });
      if (answer.getResponseHeader("X-Pneumoscope-Rows")) { this.rows(answer); throw new Stopped(); }
      if (answer.status !== 204) throw new Refused(answer);
      this.offset = Number(answer.getResponseHeader("Upload-Offset"));
      this.failures = 0;
    }

    rows(answer) {
      if (!answer.getResponseHeader("X-Pneumoscope-Rows")) throw new Refused(answer);
      this.tell("done", answer.responseText);
      return true;
    }
  }
  return { Transfer };
})();
