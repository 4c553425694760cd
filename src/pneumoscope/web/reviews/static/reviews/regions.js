// Regions that a reader draws: listed in the form, kept there as JSON until it is sent, and outlined
// above the image together with those of the reviews that are shown. This window keeps them too, by
// person and image: what was drawn before a blind impression, or a reload, is in the form after it.
//
// The viewer tells of a region by the event pneumoscope:region (viewer/measure.js); what draws is
// chosen by any [data-mark]. A corner is [x, y] in pixels of the radiograph as displayed.
import { announce, tell, words } from "../studies/viewer/words.js";

const drawing = () => document.querySelector(".panel [data-drawing]");
const field = () => drawing().querySelector("[name=drawn]");
const drawn = () => JSON.parse(field().value || "[]");
const name = () => `pneumoscope.drawn ${drawing().dataset.draft}`;

/** {base, regions}: what the server's form said when it was drawn upon, and what became of it. */
const draft = {
  get: () => { try { return JSON.parse(sessionStorage.getItem(name())); } catch { return null; } },
  set: (value) => { try { sessionStorage.setItem(name(), JSON.stringify(value)); } catch { /* this page alone */ } },
  drop: () => { try { sessionStorage.removeItem(name()); } catch { /* there is none */ } },
};

/** A form that is new on the page: where it says what it said to the draft, the draft goes on. */
const take = () => {
  const said = JSON.stringify(drawn());
  drawing().dataset.base = said;
  if (drawing().closest("#review[data-says]")) draft.drop(); // it has been saved
  const kept = draft.get();
  if (!kept || kept.base !== said || JSON.stringify(kept.regions) === said) return;
  field().value = JSON.stringify(kept.regions);
  drawing().closest("details")?.setAttribute("open", "");
};

const spelled = (corners) => corners.map((corner) => corner.join(",")).join(" ");

/** As `core.explain.zone_name` has it, of the middle of the box. */
const zoneOf = (corners) => {
  const { columns, rows, zoneHeights } = drawing().dataset;
  const [x, y] = [0, 1].map((axis) => {
    const along = corners.map((corner) => corner[axis]);
    return (Math.min(...along) + Math.max(...along)) / 2;
  });
  const third = zoneHeights.split(" ").filter((height) => y / rows >= height).length;
  return drawing().querySelectorAll("[data-zones] li")[third + (x / columns >= 0.5 ? 3 : 0)].textContent;
};

const row = (corners, index) => {
  const made = drawing().querySelector("[data-drawn-template]").content.firstElementChild.cloneNode(true);
  const [name, remove] = made.querySelectorAll("button");
  name.textContent = zoneOf(corners);
  name.dataset.region = `drawn-${index}`;
  name.dataset.points = spelled(corners);
  remove.dataset.undraw = index;
  remove.setAttribute("aria-label", words("remove", name.textContent));
  return made;
};

const svg = (name, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/** An outline for each region that is listed in sight; of an earlier review only when it is lit. */
const outline = () => {
  const layer = document.querySelector("[data-marks]");
  if (!layer) return;
  const listed = [...document.querySelectorAll(".panel [data-points]")].filter((each) => !each.closest("details:not([open])"));
  layer.replaceChildren(...listed.map((each) => {
    const { region, points } = each.dataset;
    const group = svg("g", { class: "contour mark", "data-region": region });
    group.classList.toggle("earlier", Boolean(each.closest("[data-history]")));
    group.append(svg("polygon", { class: "edge", points }), svg("polygon", { class: "line", points }));
    return group;
  }));
  document.querySelector('[data-tool="marks"]').hidden = listed.length === 0;
};

const show = () => {
  if (drawing()) {
    if (drawing().dataset.base === undefined) take();
    drawing().hidden = false;
    drawing().querySelector("[data-drawn]").replaceChildren(...drawn().map(row));
  }
  outline();
};

const keep = (regions) => {
  field().value = JSON.stringify(regions);
  draft.set({ base: drawing().dataset.base, regions });
  show();
};

const remove = (index) => {
  const regions = drawn();
  const [gone] = regions.splice(index, 1);
  keep(regions);
  announce(words("removed", zoneOf(gone)));
};

/** The button is gone with its region: the next one takes the focus. */
const removeBy = (button) => {
  const index = Number(button.dataset.undraw);
  remove(index);
  const left = drawing().querySelectorAll("[data-undraw]");
  (left[Math.min(index, left.length - 1)] ?? drawing().querySelector("[data-mark]")).focus();
};

const removeLast = () => {
  if (!drawing()?.querySelector("[data-mark][aria-pressed=true]") || !drawn().length) return false;
  remove(drawn().length - 1);
  return true;
};

document.addEventListener("pneumoscope:region", (event) => {
  if (!drawing()) return;
  // Of a prior beside it, whose stage is no [data-stage]: its own reviewers mark it.
  if (!event.target.matches("[data-stage]")) return void tell(words("marked_beside"));
  const { corners } = event.detail;
  keep([...drawn(), corners]);
  announce(words("marked", zoneOf(corners)));
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-undraw]");
  if (button) removeBy(button);
});
document.addEventListener("htmx:afterSwap", show);
show();
document.addEventListener("toggle", outline, true); // does not bubble

const draw = (name) => () => {
  if (!drawing()) return false;
  drawing().closest("details")?.setAttribute("open", "");
  drawing().querySelector(`[data-mark="${name}"]`).click();
  return true;
};
Keys.listen({ b: draw("mark-ellipse"), v: draw("mark-freehand"), Delete: removeLast, Backspace: removeLast });
