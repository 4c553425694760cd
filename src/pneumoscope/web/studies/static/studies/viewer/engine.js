// Cornerstone, started once: its tools, and a radiograph's grey levels as one of its images.
import { textLines } from "./measure.js";

const ENGINE = "pneumoscope";
const GROUP = "reading";
const [LINE, CHOSEN, MARK] = ["rgb(99, 197, 232)", "rgb(255, 255, 255)", "rgb(242, 213, 92)"];
const STYLE = {
  color: LINE, colorHighlighted: CHOSEN, colorSelected: CHOSEN, lineWidth: "1.5",
  textBoxColor: LINE, textBoxColorHighlighted: CHOSEN, textBoxColorSelected: CHOSEN,
  textBoxFontFamily: "system-ui, sans-serif", textBoxFontSize: "13px",
};
// The magnifier's side in pixels, and how much larger it shows.
const LENS = 240;
const MAGNIFIED = 2.5;

// Graphics that gave up once are not asked again in this window.
export const FAILED = {
  has: () => { try { return Boolean(sessionStorage.getItem("pneumoscope.graphics")); } catch { return false; } },
  keep: () => { try { sessionStorage.setItem("pneumoscope.graphics", "failed"); } catch { /* asked again */ } },
};

let starting = null;

/** The engine, with Cornerstone's module as `cs`. Throws where it cannot be had. */
export const start = (address) => (starting ??= begin(address));

const begin = async (address) => {
  const cs = await import(address);
  cs.initCore({ rendering: { useCPURendering: !graphics() } });
  cs.initTools();
  cs.metaData.addProvider((type) => (type === "generalSeriesModule" ? { modality: "DX" } : undefined));
  const { style } = cs.annotation.config;
  const { global } = style.getDefaultToolStyles();
  const mark = { color: MARK, colorHighlighted: MARK, colorSelected: MARK };
  style.setDefaultToolStyles({ global: { ...global, ...STYLE }, MarkEllipse: mark, MarkFreehand: mark });
  return new Engine(cs);
};

/** Whether the machine draws by itself: WebGL in software is slower than Cornerstone without it. */
const graphics = () => {
  if (FAILED.has()) return false;
  const gl = document.createElement("canvas").getContext("webgl2");
  const named = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl?.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER) ?? "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl) && !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
};

/** The same tool under another name: a mark is handed over and is no measurement. */
const marking = (tool, name) => class extends tool { static toolName = name; };

class Engine {
  constructor(cs) {
    this.cs = cs;
    this.rendering = new cs.RenderingEngine(ENGINE);
    this.about = new Map();
    this.users = new Map();
    this.tools = {
      window: cs.WindowLevelTool, pan: cs.PanTool, zoom: cs.ZoomTool, magnify: cs.MagnifyTool,
      length: cs.LengthTool, ellipse: cs.EllipticalROITool, freehand: cs.PlanarFreehandROITool,
      "mark-ellipse": marking(cs.EllipticalROITool, "MarkEllipse"),
      "mark-freehand": marking(cs.PlanarFreehandROITool, "MarkFreehand"),
    };
    this.group = cs.ToolGroupManager.createToolGroup(GROUP);
    const measuring = { getTextLines: (data, target) => this.lines(data, target), calculateStats: false };
    const marked = { getTextLines: () => [], calculateStats: false, allowOpenContours: false };
    const settings = {
      length: measuring, ellipse: measuring, freehand: measuring,
      "mark-ellipse": marked, "mark-freehand": marked,
    };
    for (const [name, tool] of Object.entries(this.tools)) {
      cs.addTool(tool);
      this.group.addTool(tool.toolName, settings[name] ?? {});
      this.group.setToolPassive(tool.toolName);
    }
    this.others = [
      [cs.PanTool, cs.ToolEnums.MouseBindings.Auxiliary],
      [cs.ZoomTool, cs.ToolEnums.MouseBindings.Secondary],
    ];
  }

  lines(data, target) {
    return textLines(data, this.about.get(target.replace("imageId:", "")));
  }

  /** What the first button and one finger do; the middle button moves, the right one enlarges.
   * `height` of the stage: the magnifier's figure is relative to it. */
  drag(name, height) {
    this.group.setToolConfiguration(this.tools.magnify.toolName, {
      magnifySize: (MAGNIFIED * height) / LENS, magnifyWidth: LENS, magnifyHeight: LENS,
    });
    const { MouseBindings } = this.cs.ToolEnums;
    for (const tool of Object.values(this.tools)) this.group.setToolPassive(tool.toolName, { removeAllBindings: true });
    for (const [tool, button] of this.others) {
      this.group.setToolActive(tool.toolName, { bindings: [{ mouseButton: button }] });
    }
    const bindings = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
    this.group.setToolActive(this.tools[name].toolName, { bindings });
  }

  /** Levels → an image in Cornerstone's cache, one unit of its world to a pixel. Until every pane
   * that has asked for it has called `forget`. */
  image(levels, imageId) {
    this.users.set(imageId, (this.users.get(imageId) ?? 0) + 1);
    if (this.about.has(imageId)) return;
    const received = levels.windows[0];
    const image = this.cs.imageLoader.createAndCacheLocalImage(imageId, {
      scalarData: levels.pixels, dimensions: [levels.columns, levels.rows], spacing: [1, 1],
      origin: [0, 0, 0], direction: [1, 0, 0, 0, 1, 0, 0, 0, 1], frameOfReferenceUID: imageId,
    });
    image.windowWidth = received.high - received.low + 1;
    image.windowCenter = (received.high + received.low + 1) / 2;
    image.voiLUTFunction = "LINEAR";
    this.about.set(imageId, levels);
  }

  /** What WebGL draws a viewport on, out of sight. Throws without WebGL. */
  canvasOf(viewportId) {
    return this.rendering.getOffscreenMultiRenderWindow(viewportId).getOpenGLRenderWindow().getCanvas();
  }

  forget(imageId) {
    this.users.set(imageId, this.users.get(imageId) - 1);
    if (this.users.get(imageId)) return;
    this.about.delete(imageId);
    if (this.cs.cache.getImageLoadObject(imageId)) this.cs.cache.removeImageLoadObject(imageId, { force: true });
  }
}

/** One radiograph's grey levels, as `studies.pixels.image_pixels` describes them. */
export const fetchLevels = async (address) => {
  const response = await fetch(address, { credentials: "same-origin" });
  const about = response.headers.get("X-Pneumoscope-Levels");
  if (!response.ok || !about) throw new Error(response.ok ? response.url : `HTTP ${response.status}`);
  return { ...JSON.parse(about), pixels: new Uint16Array(await response.arrayBuffer()) };
};
