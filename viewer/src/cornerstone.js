// What the viewer uses of Cornerstone3D. The viewer itself is not built: it lies as plain modules
// in src/pneumoscope/web/studies/static/studies/viewer/.
export {
  Enums, RenderingEngine, cache, eventTarget, imageLoader, init as initCore, metaData, setUseCPURendering,
} from "@cornerstonejs/core";
export {
  EllipticalROITool, Enums as ToolEnums, LengthTool, MagnifyTool, PanTool, PlanarFreehandROITool,
  ToolGroupManager, WindowLevelTool, ZoomTool, addTool, annotation, cancelActiveManipulations,
  init as initTools,
} from "@cornerstonejs/tools";
