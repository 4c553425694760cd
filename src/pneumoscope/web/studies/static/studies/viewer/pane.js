// One radiograph in one Cornerstone viewport: how it stands, how it is windowed, what is said of it.
import { figure, percent, words } from "./words.js";

const ZOOM = { least: 0.2, most: 32 };
const WHEEL = 400;

export class Pane {
  /** `overlay` may be missing; `changed(pane)` is called after every drawing, `lost()` where the
   * machine's graphics give up: from then on the screen shows what was, and not what is. */
  constructor(engine, stage, { overlay = null, changed = () => {}, lost = () => {} } = {}) {
    this.lost = lost;
    this.engine = engine;
    this.stage = stage;
    // Cornerstone takes every key from its element, Tab too: the stage around it has the focus.
    this.screen = stage.querySelector("[data-screen]");
    this.overlay = overlay;
    this.changed = changed;
    this.id = `pane-${crypto.randomUUID?.() ?? Math.random()}`;
    this.readout = stage.querySelector("[data-readout]");
    this.ready = false;
  }

  /** Show the levels promised; the plain picture stays until the first drawing is there. */
  async open(levels) {
    const { cs, rendering, group } = this.engine;
    this.levels = await levels;
    // By its address: what was measured in it is there again when it is shown again.
    this.imageId = `levels:${this.stage.dataset.pixels}`;
    this.engine.image(this.levels, this.imageId);
    rendering.enableElement({
      viewportId: this.id, type: cs.Enums.ViewportType.STACK, element: this.screen,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.viewport = rendering.getViewport(this.id);
    group.addViewport(this.id, rendering.id);
    await this.viewport.setStack([this.imageId]);
    // The magnifier copies every property, and without WebGL Cornerstone refuses this one.
    if (this.viewport.useCPURendering) this.viewport.VOILUTFunction = undefined;
    else this.engine.canvasOf(this.id).addEventListener("webglcontextlost", this.lost);
    this.drawn = () => this.afterDrawing();
    this.screen.addEventListener(cs.Enums.Events.IMAGE_RENDERED, this.drawn);
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.stage);
    this.measureFit();
    this.preset(0);
    this.stood = this.state;
    this.ready = true;
    this.wheel = (event) => this.onWheel(event);
    this.stage.addEventListener("wheel", this.wheel, { passive: false });
    this.stage.classList.add("drawn");
  }

  close() {
    if (!this.viewport) return;
    this.resized.disconnect();
    this.stage.removeEventListener("wheel", this.wheel);
    this.screen.removeEventListener(this.engine.cs.Enums.Events.IMAGE_RENDERED, this.drawn);
    this.settle();
    this.engine.group.removeViewports(this.engine.rendering.id, this.id);
    this.engine.rendering.disableElement(this.id);
    this.engine.forget(this.imageId);
    this.stage.classList.remove("drawn");
    this.screen.querySelector(".viewport-element")?.remove();
    this.ready = false;
  }

  /** What was measured here Cornerstone counts once more a little later, and would not find us. */
  settle() {
    for (const each of this.engine.cs.annotation.state.getAllAnnotations()) {
      if (each.metadata.referencedImageId === this.imageId) each.invalidated = false;
    }
  }

  afterDrawing() {
    if (!this.ready) return;
    const { columns, rows } = this.levels;
    const corner = (x, y) => this.viewport.worldToCanvas([x - 0.5, y - 0.5, 0]);
    this.overlay?.place(corner(0, 0), corner(columns, 0), corner(0, rows));
    this.stage.classList.toggle("enlarged", this.zoom > 1.01);
    this.readout.textContent = this.describe();
    if (this.fitted === this.extent) this.stood = this.state;
    this.changed(this);
  }

  describe() {
    const { width, center } = this.figures();
    const parts = [`W ${figure(width)}  C ${figure(center)}`, percent(this.zoom)];
    const { rotation, flipHorizontal, flipVertical } = this.standing();
    if (flipHorizontal || flipVertical) parts.push(words("mirrored"));
    if (rotation) parts.push(words("turned", figure(rotation)));
    if (this.inverted) parts.push(words("inverted"));
    return parts.join("  ·  ");
  }

  /** The window in the file's own numbers. */
  figures() {
    const { low, high } = this.window;
    const { slope, intercept } = this.levels;
    return { width: (high - low) * Math.abs(slope), center: ((low + high) / 2) * slope + intercept };
  }

  get window() {
    const { lower, upper } = this.viewport.getProperties().voiRange;
    return { low: lower, high: upper };
  }

  set window({ low, high }) {
    this.viewport.setProperties({ voiRange: { lower: low, upper: Math.max(high, low + 0.5) } });
    this.viewport.render();
  }

  get received() {
    return this.levels.windows[0];
  }

  preset(index) {
    const window = this.levels.windows[index];
    if (window) this.window = window;
    return window;
  }

  /** Brightness and contrast by steps of a twentieth of the window. */
  step(brighter, harder) {
    const { low, high } = this.window;
    const unit = (high - low) / 20;
    this.window = { low: low - unit * brighter + unit * harder, high: high - unit * brighter - unit * harder };
  }

  get inverted() {
    return Boolean(this.viewport.getProperties().invert);
  }

  set inverted(inverted) {
    this.viewport.setProperties({ invert: inverted });
    this.viewport.render();
  }

  get zoom() {
    return this.fitScale / this.viewport.getCamera().parallelScale;
  }

  /** Enlarge around a point of the stage, which keeps its place; without one, the middle. */
  zoomBy(factor, point = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    const zoom = Math.max(ZOOM.least, Math.min(ZOOM.most, this.zoom * factor));
    const before = this.viewport.canvasToWorld(point);
    this.scale(zoom);
    this.shift(before, this.viewport.canvasToWorld(point));
  }

  /** One pixel of the file to one of the screen. */
  actual() {
    const [[left, top], [right, down]] = [[0, 0, 0], [1, 0, 0]].map((point) => this.viewport.worldToCanvas(point));
    this.zoomBy(1 / (Math.hypot(right - left, down - top) * devicePixelRatio));
  }

  /** Without WebGL Cornerstone counts in `scale`, with it in `parallelScale`. */
  scale(zoom) {
    const { scale, parallelScale } = this.viewport.getCamera();
    const ratio = zoom / this.zoom;
    this.viewport.setCamera(scale ? { scale: scale * ratio } : { parallelScale: parallelScale / ratio });
  }

  panBy(x, y) {
    this.shift(this.viewport.canvasToWorld([0, 0]), this.viewport.canvasToWorld([x, y]));
  }

  shift(from, to) {
    const moved = (place) => place.map((value, axis) => value + from[axis] - to[axis]);
    const { focalPoint, position } = this.viewport.getCamera();
    this.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
    this.viewport.render();
  }

  fit() {
    const { rotation, flipHorizontal, flipVertical } = this.standing();
    this.viewport.resetCamera();
    this.stand({ rotation, flipHorizontal, flipVertical });
  }

  standing() {
    const { flipHorizontal, flipVertical } = this.viewport.getCamera();
    const rotation = Math.round(this.viewport.getRotation?.() ?? this.viewport.getViewPresentation().rotation) % 360;
    return { rotation, flipHorizontal: Boolean(flipHorizontal), flipVertical: Boolean(flipVertical) };
  }

  stand({ rotation, flipHorizontal, flipVertical }) {
    this.viewport.setCamera({ flipHorizontal, flipVertical });
    if (rotation !== this.standing().rotation) this.viewport.setRotation(rotation);
    this.viewport.render();
  }

  turn() {
    const standing = this.standing();
    this.stand({ ...standing, rotation: (standing.rotation + 90) % 360 });
  }

  flip(axis) {
    const standing = this.standing();
    this.stand({ ...standing, [axis]: !standing[axis] });
  }

  reset() {
    this.inverted = false;
    this.preset(0);
    this.viewport.resetCamera();
    this.stand({ rotation: 0, flipHorizontal: false, flipVertical: false });
  }

  /** How it stands, and what a linked pane takes over: in shares of the picture and of the window received. */
  get state() {
    const { focalPoint } = this.viewport.getCamera();
    const { low, high } = this.window;
    const { received } = this;
    const share = (level) => (level - received.low) / (received.high - received.low);
    return {
      ...this.standing(), zoom: this.zoom, inverted: this.inverted,
      centre: [focalPoint[0] / this.levels.columns, focalPoint[1] / this.levels.rows],
      window: [share(low), share(high)],
    };
  }

  set state(state) {
    const { received, viewport } = this;
    const level = (share) => received.low + share * (received.high - received.low);
    this.stand(state);
    this.scale(state.zoom);
    const { focalPoint } = viewport.getCamera();
    this.shift([state.centre[0] * this.levels.columns, state.centre[1] * this.levels.rows, 0], [focalPoint[0], focalPoint[1], 0]);
    viewport.setProperties({
      voiRange: { lower: level(state.window[0]), upper: level(state.window[1]) }, invert: state.inverted,
    });
    this.stood = state;
    viewport.render();
  }

  get extent() {
    return `${this.stage.clientWidth} ${this.stage.clientHeight}`;
  }

  /** The camera shows the whole image: what that is in this stage, which another size makes void. */
  measureFit() {
    this.fitScale = this.viewport.getCamera().parallelScale;
    this.fitted = this.extent;
  }

  resize() {
    if (!this.ready || !this.stage.clientWidth) return;
    // The whole image in a stage of another size, then as it stood. Without WebGL the stage's new
    // size is in every figure already: how it stood is known from the last drawing, or who set it.
    const stood = this.viewport.useCPURendering ? this.stood : this.state;
    this.engine.rendering.resize(true, true);
    this.viewport.resetCamera();
    this.measureFit();
    this.state = stood;
  }

  onWheel(event) {
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    this.zoomBy(Math.exp(-event.deltaY / WHEEL), [event.clientX - box.left, event.clientY - box.top]);
  }
}
