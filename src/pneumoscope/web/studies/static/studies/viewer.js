// The study page's viewer. The plain picture is there at once; Cornerstone takes over when it has
// the grey levels. Nothing here changes the result; H works at once because readers first look
// without the heatmap.
import { Comparison } from "./viewer/compare.js";
import { KeyCursor } from "./viewer/cursor.js";
import { FAILED, fetchLevels, start } from "./viewer/engine.js";
import { Measurements } from "./viewer/measure.js";
import { Overlay } from "./viewer/overlay.js";
import { Pane } from "./viewer/pane.js";
import { pinching } from "./viewer/pinch.js";
import { presets } from "./viewer/presets.js";
import { toolbar } from "./viewer/toolbar.js";
import { announce, figure, percent, tell, words } from "./viewer/words.js";

const MARKING = ["mark-ellipse", "mark-freehand"];
const POINTING = ["magnify", "length", "ellipse", "freehand", ...MARKING];
const MOVE = 40;
const PHONE = "(max-width: 640px)";

let view = null;
let attached = null;
// How the radiograph stood when its viewer was replaced, as when a blind impression is kept.
let left = null;

class View {
  constructor(viewer, stage) {
    this.viewer = viewer;
    this.stage = stage;
    this.overlay = new Overlay(viewer, stage);
    this.overlay.placeWhole();
    this.resized = new ResizeObserver(() => this.pane || this.overlay.placeWhole());
    this.resized.observe(stage);
    viewer.addEventListener("click", (event) => this.clicked(event));
    viewer.addEventListener("input", (event) => event.target.dataset.slider && this.overlay.slide());
    viewer.querySelector('[data-tool="full"]').hidden = !document.fullscreenEnabled;
    viewer.addEventListener("fullscreenchange", () => this.framed());
  }

  /** Cornerstone over the plain picture; where it fails, the picture stays and says so. */
  async begin() {
    try {
      const levels = fetchLevels(this.stage.dataset.pixels);
      levels.catch(() => {}); // asked for early; told of below
      const engine = await start(this.stage.dataset.cornerstone);
      const pane = new Pane(engine, this.stage, {
        overlay: this.overlay, changed: () => this.drawn(), lost: () => this.lost(),
      });
      await pane.open(levels);
      if (view !== this) return pane.close();
      this.take(engine, pane);
    } catch (error) {
      this.fail(error.message);
    }
    return undefined;
  }

  fail(reason) {
    this.stage.querySelector("[data-readout]").textContent = "";
    const note = this.viewer.querySelector("[data-note]");
    note.textContent = words("failed", reason);
    note.hidden = false;
  }

  /** The plain picture instead of one that no longer follows its tools; loaded again, the page does
   * without WebGL. */
  lost() {
    if (view !== this || !this.pane) return;
    FAILED.keep();
    this.close();
    this.pane = null;
    delete this.viewer.dataset.dragging;
    this.viewer.dataset.viewer = "";
    for (const control of this.viewer.querySelectorAll("[data-tools] :is(button, select)")) control.disabled = true;
    this.overlay.placeWhole();
    this.fail("WebGL");
  }

  take(engine, pane) {
    this.engine = engine;
    this.pane = pane;
    this.comparison = new Comparison(engine, this.viewer, pane, () => this.measurements.show());
    this.measurements = new Measurements(engine, this.viewer.querySelector("[data-measurements]"), () => this.comparison.panes);
    this.measurements.show();
    this.cursor = new KeyCursor(this.stage);
    this.presets = presets(this.viewer.querySelector("[data-preset]"), pane);
    pinching(this.stage, pane);
    for (const control of this.viewer.querySelectorAll(".tools [disabled]")) control.disabled = false;
    for (const bar of this.viewer.querySelectorAll("[role=toolbar]")) toolbar(bar);
    if (left?.pixels === this.stage.dataset.pixels) pane.state = left.state;
    left = null;
    this.rest();
    this.viewer.dataset.viewer = "ready";
    pane.afterDrawing();
  }

  close() {
    if (this.pane?.ready) left = { pixels: this.stage.dataset.pixels, state: this.pane.stood };
    this.resized.disconnect();
    this.measurements?.close();
    this.comparison?.close();
    this.pane?.close();
  }

  drawn() {
    if (!this.comparison) return;
    this.viewer.querySelector('[data-tool="invert"]').setAttribute("aria-checked", this.pane.inverted);
    const { flipHorizontal, flipVertical } = this.pane.standing();
    this.viewer.querySelector('[data-tool="flip"]').setAttribute("aria-checked", flipHorizontal);
    this.viewer.querySelector('[data-tool="flop"]').setAttribute("aria-checked", flipVertical);
    this.presets.follow();
    this.comparison.follow(this.pane);
  }

  clicked(event) {
    const button = event.target.closest("[data-tool], [data-drag], [data-more]");
    if (!button) return;
    if (button.matches("[data-more]")) this.more(button);
    else if (button.dataset.drag) this.drag(button.dataset.drag);
    else this.use(button.dataset.tool);
    this.folded(button);
  }

  /** On a phone all tools hide the image: the one chosen, they make room again. */
  folded(chosen) {
    const more = this.viewer.querySelector('[data-more][aria-expanded="true"]');
    if (!more || chosen === more || !matchMedia(PHONE).matches) return;
    this.more(more);
    if (document.activeElement === chosen && !chosen.checkVisibility()) more.focus();
  }

  /** All tools, or again those that matter most. */
  more(button) {
    const all = this.viewer.querySelector("[data-tools]").classList.toggle("all");
    button.setAttribute("aria-expanded", all);
  }

  /** What dragging does from now on. */
  drag(name, { quietly = false } = {}) {
    this.engine.drag(name, this.stage.clientHeight);
    this.dragging = name;
    this.viewer.dataset.dragging = name;
    for (const each of this.viewer.querySelectorAll("[data-drag]")) {
      each.setAttribute("aria-checked", each.dataset.drag === name);
    }
    for (const each of document.querySelectorAll("[data-mark]")) {
      each.setAttribute("aria-pressed", each.dataset.mark === name);
    }
    if (MARKING.includes(name)) this.stage.scrollIntoView({ block: "nearest" });
    if (MARKING.includes(name) && !this.overlay.isShown("marks")) this.overlay.toggle("marks");
    this.cursor.hide();
    if (quietly) return;
    tell(words(name));
    if (POINTING.includes(name)) this.stage.focus({ preventScroll: true });
  }

  /** Dragging as it is without a tool: a finger moves, a mouse windows. */
  rest() {
    this.drag(matchMedia("(pointer: coarse)").matches ? "pan" : "window", { quietly: true });
  }

  use(name) {
    if (["heatmap", "contours", "marks", "zones"].includes(name)) return this.overlay.toggle(name);
    return (this.pane || name === "full") && this[name]();
  }

  larger() { this.enlarge(1.25); }
  smaller() { this.enlarge(0.8); }

  enlarge(factor) {
    this.pane.zoomBy(factor);
    announce(words("zoom_is", percent(this.pane.zoom)));
  }

  actual() {
    this.pane.actual();
    announce(words("actual_is"));
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.viewer.requestFullscreen?.().catch(() => {});
  }

  framed() {
    this.viewer.querySelector('[data-tool="full"]').setAttribute("aria-checked", document.fullscreenElement === this.viewer);
  }

  fit() {
    this.pane.fit();
    announce(words("zoom_is", percent(1)));
  }

  invert() {
    this.pane.inverted = !this.pane.inverted;
    announce(words(this.pane.inverted ? "inverted" : "not_inverted"));
  }

  flip() { this.mirror("flipHorizontal"); }
  flop() { this.mirror("flipVertical"); }

  mirror(axis) {
    this.pane.flip(axis);
    announce(words(this.pane.standing()[axis] ? "mirrored" : "not_mirrored"));
  }

  turn() {
    this.pane.turn();
    announce(words("turned", this.pane.standing().rotation));
  }

  reset() {
    this.pane.reset();
    announce(words("upright"));
  }

  link() { this.comparison.link(); }
  compare() { this.comparison.toggle(); }

  preset(index) {
    const name = this.presets.choose(index);
    if (name) announce(`${name}: ${this.windowWords()}`);
  }

  windowWords() {
    const { width, center } = this.pane.figures();
    return words("window_is", figure(width), figure(center));
  }

  /** Arrows: the key cursor of a pointing tool; with Shift the window; else an enlarged image. */
  arrow(x, y, event) {
    if (!this.pane || event.target.matches("input") || (event.target.closest("[role=toolbar]") && !event.shiftKey)) return false;
    if (POINTING.includes(this.dragging) && document.activeElement === this.stage) {
      this.cursor.move(x, y, event.shiftKey);
    } else if (event.shiftKey) {
      this.pane.step(-y, x);
      announce(this.windowWords());
    } else if (this.pane.zoom > 1.01) {
      this.pane.panBy(-MOVE * x, -MOVE * y);
    } else {
      return false;
    }
    return true;
  }

  enter() {
    if (!this.pane || document.activeElement !== this.stage || !POINTING.includes(this.dragging)) return false;
    this.cursor.press();
    return true;
  }

  /** What is marked belongs to whoever listens. */
  removeLast() {
    return !MARKING.includes(this.dragging) && this.measurements.removeLast();
  }

  escape() {
    if (!this.pane || this.dragging === "window") return false;
    this.engine.cs.cancelActiveManipulations(this.pane.screen);
    this.rest();
    announce(words("cancelled"));
    return true;
  }
}

const light = (target, lit) => {
  const name = target.closest?.("[data-region]")?.dataset.region;
  if (name === undefined) return;
  for (const each of document.querySelectorAll(`[data-region="${name}"]`)) each.classList.toggle("lit", lit);
};
for (const [type, lit] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(type, (event) => light(event.target, lit));
}

document.addEventListener("click", async (event) => {
  const region = event.target.closest("button[data-region]");
  const layer = region?.dataset.points ? "marks" : "contours";
  if (region && view && !view.overlay.isShown(layer)) view.use(layer);
  const mark = event.target.closest("[data-mark]");
  if (mark && view?.pane) view.drag(mark.dataset.mark);
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  await navigator.clipboard.writeText(copy.dataset.copy);
  announce(words("copied"));
  copy.classList.add("done");
  setTimeout(() => copy.classList.remove("done"), 1500);
});

const begin = (root) => {
  const viewer = root.querySelector("[data-viewer]");
  // Other parts of the page are replaced too: a viewer that stays is not attached twice.
  if (!viewer || viewer === attached) return false;
  attached = viewer;
  view?.close();
  const stage = viewer.querySelector("[data-stage]");
  view = stage ? new View(viewer, stage) : null;
  view?.begin();
  return true;
};
begin(document);
document.addEventListener("htmx:afterSwap", () => {
  const reading = document.getElementById("reading");
  if (begin(reading)) announce(reading.querySelector("[data-says]")?.dataset.says ?? "");
  // The form that regions were drawn for is gone.
  if (MARKING.includes(view?.dragging) && !document.querySelector("[data-mark][aria-pressed=true]")) view.rest();
});

const neighbour = (by) => () => {
  const links = [...document.querySelectorAll(".strip a")];
  links[links.findIndex((link) => link.hasAttribute("aria-current")) + by]?.click();
};
const tool = (name) => () => view?.use(name);
const drag = (name) => () => view?.pane && view.drag(name);
const ready = (action) => (event) => (view?.pane ? action(event) : false);
const numbers = Object.fromEntries([...Array(9).keys()].map((index) => [index + 1, ready(() => view.preset(index))]));
Keys.listen({
  h: tool("heatmap"), c: tool("contours"), j: tool("marks"), o: tool("zones"),
  i: tool("invert"), x: tool("flip"), y: tool("flop"), t: tool("turn"), r: tool("reset"),
  "+": tool("larger"), "=": tool("larger"), "-": tool("smaller"), 0: tool("fit"), ".": tool("actual"), q: tool("full"),
  s: tool("compare"), k: tool("link"),
  g: drag("window"), p: drag("pan"), z: drag("zoom"), m: drag("magnify"),
  l: drag("length"), e: drag("ellipse"), f: drag("freehand"),
  ArrowLeft: (event) => view?.arrow(-1, 0, event) ?? false, ArrowRight: (event) => view?.arrow(1, 0, event) ?? false,
  ArrowUp: (event) => view?.arrow(0, -1, event) ?? false, ArrowDown: (event) => view?.arrow(0, 1, event) ?? false,
  Enter: () => view?.enter() ?? false, Escape: () => view?.escape() ?? false,
  Delete: ready(() => view.removeLast()), Backspace: ready(() => view.removeLast()),
  ...numbers,
  "[": neighbour(-1), "]": neighbour(1),
  w: () => document.querySelector("[data-worklist]").click(),
});
