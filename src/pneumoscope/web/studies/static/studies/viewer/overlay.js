// Heatmap, contours, readers' regions and lung zones above the picture, whoever draws the picture.
import { announce, hush, tell, words } from "./words.js";

// The sheet's own width; a matrix puts it where the picture is.
const WIDTH = 1000;
// After this long a reader wonders whether the key was heard.
const WAIT_MS = 300;
const NAMES = ["heatmap", "contours", "marks", "zones"];

/** Kept while the page stands, also when a pending panel turns into the result. */
const shown = { heatmap: false, contours: false, marks: true, zones: false };

export class Overlay {
  constructor(viewer, stage) {
    this.viewer = viewer;
    this.stage = stage;
    this.sheet = stage.querySelector("[data-sheet]");
    this.heat = stage.querySelector(".heat");
    this.contours = stage.querySelector("[data-contours]");
    this.marks = stage.querySelector("[data-marks]");
    this.legend = viewer.querySelector("[data-legend]");
    this.shape = { columns: Number(stage.dataset.columns), rows: Number(stage.dataset.rows) };
    this.sheet.style.width = `${WIDTH}px`;
    this.sheet.style.height = `${(WIDTH * this.shape.rows) / this.shape.columns}px`;
    this.sheet.classList.add("placed");
    this.show();
  }

  has(name) {
    return ["marks", "zones"].includes(name) || Boolean(this.heat);
  }

  isShown(name) {
    return shown[name];
  }

  toggle(name) {
    if (!this.has(name)) return;
    shown[name] = !shown[name];
    // The contours belong to the heatmap: they come and go with it, and can be had alone.
    if (name === "heatmap") shown.contours = shown.heatmap;
    this.show();
    announce(words(`${name}_${shown[name] ? "on" : "off"}`));
  }

  /** A slider of the heatmap was moved: who moves it wants to see it. */
  slide() {
    if (!shown.heatmap) this.toggle("heatmap");
    this.show();
  }

  show() {
    for (const name of NAMES) {
      this.viewer.querySelector(`[data-tool="${name}"]`)?.setAttribute("aria-checked", shown[name]);
    }
    for (const each of this.stage.querySelectorAll("[data-zones]")) each.classList.toggle("visible", shown.zones);
    this.marks.classList.toggle("visible", shown.marks);
    if (!this.heat) return;
    if (shown.heatmap) this.load();
    this.heat.hidden = !shown.heatmap;
    this.legend.classList.toggle("visible", shown.heatmap);
    this.contours.classList.toggle("visible", shown.contours);
    this.heat.style.opacity = this.viewer.querySelector('[data-slider="opacity"]').value / 100;
    this.threshold(Number(this.viewer.querySelector('[data-slider="threshold"]').value));
  }

  /** Fetched when first wanted. On a slow line it says so; where it fails it is off again. */
  async load() {
    if (this.heat.src) return;
    this.heat.src = this.heat.dataset.src;
    const waiting = setTimeout(() => tell(words("heatmap_coming")), WAIT_MS);
    try {
      await this.heat.decode();
    } catch {
      this.heat.removeAttribute("src");
      shown.heatmap = shown.contours = false;
      this.show();
      tell(words("heatmap_failed"));
    } finally {
      clearTimeout(waiting);
      hush(words("heatmap_coming"));
    }
  }

  /** The map's alpha is its value: below `percent` it becomes nothing. */
  threshold(percent) {
    const table = Array.from({ length: 101 }, (_, value) => (value >= percent ? value / 100 : 0));
    this.stage.querySelector("[data-threshold-table]").setAttribute("tableValues", table.join(" "));
    this.heat.style.filter = percent > 0 ? "url(#heat-threshold)" : "";
    this.viewer.querySelector("[data-threshold]").textContent = `${percent} %`;
    const mark = this.legend.querySelector("[data-threshold-mark]");
    mark.style.left = `${percent}%`;
    mark.hidden = percent === 0;
  }

  /** Put the sheet where three corners of the picture are: top left, top right, bottom left, in
   * pixels of the stage. */
  place([x0, y0], [x1, y1], [x2, y2]) {
    const height = (WIDTH * this.shape.rows) / this.shape.columns;
    const [a, b, c, d] = [(x1 - x0) / WIDTH, (y1 - y0) / WIDTH, (x2 - x0) / height, (y2 - y0) / height];
    this.sheet.style.transform = `matrix(${a}, ${b}, ${c}, ${d}, ${x0}, ${y0})`;
    this.sheet.style.setProperty("--zoom", Math.hypot(a, b));
    for (const name of this.stage.querySelectorAll("[data-x]")) {
      const [x, y] = [name.dataset.x / 100, name.dataset.y / 100];
      name.style.left = `${x0 + x * (x1 - x0) + y * (x2 - x0)}px`;
      name.style.top = `${y0 + x * (y1 - y0) + y * (y2 - y0)}px`;
    }
  }

  /** As large as the stage allows, where no viewer says otherwise. */
  placeWhole() {
    const { clientWidth, clientHeight } = this.stage;
    const scale = Math.min(clientWidth / this.shape.columns, clientHeight / this.shape.rows);
    const [width, height] = [scale * this.shape.columns, scale * this.shape.rows];
    const [x, y] = [(clientWidth - width) / 2, (clientHeight - height) / 2];
    this.place([x, y], [x + width, y], [x, y + height]);
  }
}
