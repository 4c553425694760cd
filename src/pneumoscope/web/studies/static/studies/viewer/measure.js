// Measurements: what they say, and their list below the picture. And marks: regions that are drawn
// for whoever listens, and told of by an event of the stage, which bubbles:
//   pneumoscope:region  detail { corners: [[x, y] …] }
// Corners are pixels of the radiograph as displayed by core (x right, y down, origin top left), as
// in `core.types.Region.contour`, to a tenth and inside the image.
import { announce, figure, tell, words } from "./words.js";

const APART = 2; // pixels
const CORNERS = 400; // of a freehand region, at most
const SMALLEST = 16; // square pixels: less is a slip of the hand
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
    said.push(closed ? stated("area", areaOf(polyline), spacing, 2) : stated("line", alongOf(polyline), spacing, 1));
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

const alongOf = (points) =>
  points.slice(1).reduce((sum, point, index) => sum + distance(points[index], point), 0);

/** Cornerstone draws a point every quarter of a pixel: those are enough that lie some pixels apart. */
const thinned = (points) => {
  const apart = Math.max(APART, alongOf(points) / CORNERS);
  const kept = [];
  for (const point of points) if (!kept.length || distance(kept.at(-1), point) >= apart) kept.push(point);
  return kept;
};

const round = ([bottom, top, left, right]) => {
  const centre = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  return Array.from({ length: ROUND }, (_, index) => {
    const angle = (2 * Math.PI * index) / ROUND;
    return [0, 1].map((axis) => centre[axis] + ((right[axis] - left[axis]) / 2) * Math.cos(angle) + ((bottom[axis] - top[axis]) / 2) * Math.sin(angle));
  });
};

/** What was drawn over the edge is cut there. Cornerstone's pixels have their middle at whole numbers. */
const cornersOf = ({ data }, { columns, rows }) => {
  const drawn = data.contour?.polyline ? thinned(data.contour.polyline) : round(data.handles.points);
  const inside = (value, most) => Math.round(10 * Math.max(0, Math.min(most, value + 0.5))) / 10;
  return drawn.map(([x, y]) => [inside(x, columns), inside(y, rows)]);
};

const isMark = (annotation) => annotation.metadata.toolName.startsWith("Mark");

export class Measurements {
  /** `panes()`: those on the screen. */
  constructor(engine, list, panes) {
    this.engine = engine;
    this.list = list;
    this.panes = panes;
    const { Events } = engine.cs.ToolEnums;
    this.listeners = {
      [Events.ANNOTATION_COMPLETED]: (event) => this.completed(event.detail.annotation),
      [Events.ANNOTATION_MODIFIED]: (event) => this.modified(event.detail.annotation),
      [Events.ANNOTATION_REMOVED]: () => this.show(),
    };
    for (const [type, listener] of Object.entries(this.listeners)) engine.cs.eventTarget.addEventListener(type, listener);
    list.addEventListener("click", (event) => {
      const uid = event.target.closest("[data-remove]")?.dataset.remove;
      if (uid) this.remove(uid);
    });
  }

  /** The measurements stay with their radiograph: a viewer that takes over shows them. */
  close() {
    const { eventTarget } = this.engine.cs;
    for (const [type, listener] of Object.entries(this.listeners)) eventTarget.removeEventListener(type, listener);
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
    // Once Cornerstone is done with it.
    if (isMark(annotation)) return void setTimeout(() => this.mark(annotation));
    this.show();
    announce(this.sentence(annotation));
  }

  modified(annotation) {
    const line = this.list.querySelector(`[data-uid="${annotation.annotationUID}"] span`);
    if (line) line.textContent = this.sentence(annotation);
  }

  /** Hand a region over: whoever listens shows it from now on. */
  mark(annotation) {
    const pane = this.paneOf(annotation);
    this.engine.cs.annotation.state.removeAnnotation(annotation.annotationUID);
    if (!pane) return;
    pane.viewport.render();
    const corners = cornersOf(annotation, pane.levels);
    if (areaOf(corners) < SMALLEST) return tell(words("too_small"));
    pane.stage.dispatchEvent(new CustomEvent("pneumoscope:region", { bubbles: true, detail: { corners } }));
    return undefined;
  }

  all() {
    return this.engine.cs.annotation.state.getAllAnnotations().filter((each) => this.paneOf(each) && !isMark(each));
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
