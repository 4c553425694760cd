// Measurements: what they say, their list below the picture, and the events others may listen to.
//
// On the stage, bubbling, whenever a closed region was drawn, changed or removed:
//   pneumoscope:region          detail { uid, kind: "ellipse" | "freehand", image, points: [[x, y] …] }
//   pneumoscope:region-removed  detail { uid }
// Points are pixels of the radiograph as displayed by core (x right, y down, origin top left), as
// in `core.types.Region.contour`. Nothing is stored here.
import { announce, figure, words } from "./words.js";

const APART = 2; // pixels
const ROUND = 64; // corners that stand for an ellipse

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

const areaOf = (points) =>
  Math.abs(points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length];
    return sum + x * nextY - nextX * y;
  }, 0)) / 2;

/** A length in pixels, or an area in square pixels, in the unit the file supports. */
const stated = (kind, value, spacing, power) =>
  spacing
    ? words(`${kind}_mm`, figure(value * spacing.mm ** power, power === 1 ? 1 : 0))
    : words(`${kind}_px`, figure(value));

/** What a measurement says, by Cornerstone's data of it. `about`: the levels it lies on. */
export const textLines = (data, about) => {
  const spacing = about?.spacing;
  const points = data.handles?.points ?? [];
  const said = [];
  if (data.contour?.polyline?.length) {
    const { polyline, closed } = data.contour;
    const along = polyline.slice(1).reduce((sum, point, index) => sum + distance(polyline[index], point), 0);
    said.push(closed ? stated("area", areaOf(polyline), spacing, 2) : stated("line", along, spacing, 1));
  } else if (points.length === 4) {
    const area = (Math.PI * distance(points[0], points[1]) * distance(points[2], points[3])) / 4;
    said.push(stated("area", area, spacing, 2));
  } else if (points.length === 2) {
    said.push(stated("length", distance(points[0], points[1]), spacing, 1));
  }
  // In the picture there is room for the plane alone; the list below says all of it.
  if (said.length && spacing) said.push(words(spacing.calibrated ? "calibrated" : "detector"));
  return said;
};

/** Cornerstone draws a point every quarter of a pixel: those are enough that lie some pixels apart. */
const thinned = (points) => {
  const kept = [];
  for (const point of points) if (!kept.length || distance(kept.at(-1), point) >= APART) kept.push(point);
  return kept;
};

/** A closed region's corners in pixels, or null for what is none. */
const corners = ({ metadata, data }) => {
  const flat = (points) => points.map(([x, y]) => [x + 0.5, y + 0.5]);
  if (metadata.toolName === "PlanarFreehandROI") return data.contour.closed ? thinned(flat(data.contour.polyline)) : null;
  if (metadata.toolName !== "EllipticalROI") return null;
  const [bottom, top, left, right] = flat(data.handles.points);
  const centre = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  return Array.from({ length: ROUND }, (_, index) => {
    const angle = (2 * Math.PI * index) / ROUND;
    return [0, 1].map((axis) => centre[axis] + ((right[axis] - left[axis]) / 2) * Math.cos(angle) + ((bottom[axis] - top[axis]) / 2) * Math.sin(angle));
  });
};

export class Measurements {
  /** `panes()`: those on the screen. */
  constructor(engine, list, panes) {
    this.engine = engine;
    this.list = list;
    this.panes = panes;
    this.told = new Map();
    const { Events } = engine.cs.ToolEnums;
    this.listeners = {
      [Events.ANNOTATION_COMPLETED]: (event) => this.completed(event.detail.annotation),
      [Events.ANNOTATION_MODIFIED]: (event) => this.modified(event.detail.annotation),
      [Events.ANNOTATION_REMOVED]: (event) => this.removed(event.detail.annotation),
    };
    for (const [type, listener] of Object.entries(this.listeners)) engine.cs.eventTarget.addEventListener(type, listener);
    list.addEventListener("click", (event) => {
      const uid = event.target.closest("[data-remove]")?.dataset.remove;
      if (uid) this.remove(uid);
    });
  }

  /** An older viewer's measurements go with it. */
  close() {
    const { eventTarget, annotation } = this.engine.cs;
    for (const [type, listener] of Object.entries(this.listeners)) eventTarget.removeEventListener(type, listener);
    annotation.state.removeAllAnnotations();
  }

  sentence(annotation) {
    const about = this.engine.about.get(annotation.metadata.referencedImageId);
    const lines = textLines(annotation.data, about);
    return [...lines, ...(about?.spacing ? [] : [words("no_spacing")])].join(", ");
  }

  paneOf(annotation) {
    return this.panes().find((pane) => pane.imageId === annotation.metadata.referencedImageId);
  }

  completed(annotation) {
    this.show();
    this.tell(annotation);
    announce(this.sentence(annotation));
  }

  modified(annotation) {
    const line = this.list.querySelector(`[data-uid="${annotation.annotationUID}"] span`);
    if (line) line.textContent = this.sentence(annotation);
    clearTimeout(this.later);
    this.later = setTimeout(() => line && this.tell(annotation), 300);
  }

  removed(annotation) {
    this.show();
    if (!this.told.delete(annotation.annotationUID)) return;
    this.paneOf(annotation)?.stage.dispatchEvent(new CustomEvent("pneumoscope:region-removed", {
      bubbles: true, detail: { uid: annotation.annotationUID },
    }));
  }

  tell(annotation) {
    const points = corners(annotation);
    const pane = this.paneOf(annotation);
    if (!points || !pane) return;
    if (this.told.get(annotation.annotationUID) === String(points)) return;
    this.told.set(annotation.annotationUID, String(points));
    const kind = annotation.metadata.toolName === "EllipticalROI" ? "ellipse" : "freehand";
    pane.stage.dispatchEvent(new CustomEvent("pneumoscope:region", {
      bubbles: true, detail: { uid: annotation.annotationUID, kind, image: pane.stage.dataset.pixels, points },
    }));
  }

  all() {
    return this.engine.cs.annotation.state.getAllAnnotations().filter((each) => this.paneOf(each));
  }

  remove(uid) {
    const { state } = this.engine.cs.annotation;
    const annotation = state.getAnnotation(uid);
    const sentence = this.sentence(annotation);
    state.removeAnnotation(uid);
    for (const pane of this.panes()) pane.viewport.render();
    announce(words("removed", sentence));
  }

  /** The chosen one, else the last drawn. */
  removeLast() {
    const { selection } = this.engine.cs.annotation;
    const uid = selection.getAnnotationsSelected()[0] ?? this.all().at(-1)?.annotationUID;
    if (uid) this.remove(uid);
    return Boolean(uid);
  }

  show() {
    const all = this.all();
    this.list.hidden = all.length === 0;
    this.list.replaceChildren(...all.map((annotation) => this.row(annotation)));
  }

  row(annotation) {
    const sentence = this.sentence(annotation);
    const row = document.createElement("li");
    row.dataset.uid = annotation.annotationUID;
    const text = document.createElement("span");
    text.textContent = sentence;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.dataset.remove = annotation.annotationUID;
    button.setAttribute("aria-label", words("remove", sentence));
    button.textContent = "×";
    row.append(text, button);
    return row;
  }
}
