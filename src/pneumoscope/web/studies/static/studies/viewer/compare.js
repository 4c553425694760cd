// A second radiograph of the same patient beside the first, which moves with it while linked.
import { fetchLevels } from "./engine.js";
import { Pane } from "./pane.js";
import { announce, tell, words } from "./words.js";

export class Comparison {
  /** `changed()`: another radiograph is there, or gone. */
  constructor(engine, viewer, main, changed) {
    this.changed = changed;
    this.engine = engine;
    this.viewer = viewer;
    this.main = main;
    this.stages = viewer.querySelector("[data-stages]");
    this.stage = null;
    this.switch = viewer.querySelector('[data-tool="link"]');
    this.linked = true;
    this.prior = null;
    viewer.addEventListener("change", (event) => {
      if (event.target.matches("[data-prior]")) this.choose(event.target);
    });
  }

  get panes() {
    return [this.main, this.prior].filter((pane) => pane?.ready);
  }

  /** By key: the newest other radiograph, or none again. */
  toggle() {
    const select = this.viewer.querySelector("[data-prior]");
    if (!select) return tell(words("no_prior"));
    select.selectedIndex = select.selectedIndex > 0 ? 0 : 1;
    return this.choose(select);
  }

  async choose(select) {
    this.close();
    const chosen = select.selectedOptions[0];
    if (!chosen.value) return announce(words("not_compared"));
    this.stage = this.stages.querySelector("[data-prior-template]").content.firstElementChild.cloneNode(true);
    this.stages.append(this.stage);
    this.show(true);
    const [name, film] = [this.stage.querySelector("[data-prior-name]"), this.stage.querySelector(".film")];
    name.textContent = chosen.textContent;
    film.src = chosen.dataset.picture;
    this.stage.dataset.pixels = chosen.dataset.pixels;
    const prior = new Pane(this.engine, this.stage, { changed: (pane) => this.follow(pane) });
    this.prior = prior;
    try {
      await prior.open(fetchLevels(chosen.dataset.pixels));
      if (this.prior !== prior) return prior.close();
      this.main.followed = null; // by this one, nothing yet
      if (this.linked) this.follow(this.main);
      this.changed();
      announce(words("compared", chosen.textContent));
    } catch (error) {
      name.textContent = words("prior_failed", error.message);
      announce(name.textContent);
    }
    return undefined;
  }

  close() {
    this.prior?.close();
    this.prior = null;
    this.stage?.remove();
    this.stage = null;
    this.show(false);
    this.changed();
  }

  show(both) {
    this.switch.hidden = !both;
    this.stages.classList.toggle("both", both);
  }

  link() {
    if (!this.prior) return;
    this.linked = !this.linked;
    this.switch.setAttribute("aria-checked", this.linked);
    announce(words(this.linked ? "linked" : "not_linked"));
    if (this.linked) this.follow(this.main);
  }

  /** `pane` was drawn: where it changed by itself, the other one follows. */
  follow(pane) {
    const other = pane === this.main ? this.prior : this.main;
    const state = JSON.stringify(pane.state);
    if (!this.linked || !other?.ready || !this.prior?.ready || pane.followed === state) return;
    pane.followed = state;
    other.state = pane.state;
    other.followed = JSON.stringify(other.state);
  }
}
