// The viewer: enlarge and move, brightness and contrast, heatmap and contours. Nothing here changes
// the result; H works at once because readers first look without it.
"use strict";
(() => {
  const MOST = 12;
  const OFF = { heatmap: false, contours: false, invert: false };
  // Kept while this page stands, also when a pending panel turns into the result.
  const shown = { ...OFF };
  let view = null;
  let attached = null;

  const attach = (viewer) => {
    const stage = viewer.querySelector("[data-stage]");
    if (!stage) return null;
    const sheet = viewer.querySelector("[data-sheet]");
    const film = viewer.querySelector(".film");
    const heat = viewer.querySelector(".heat");
    const contours = viewer.querySelector(".contours");
    const legend = viewer.querySelector("[data-legend]");
    const slider = (name) => viewer.querySelector(`[data-slider="${name}"]`);
    const place = { zoom: 1, x: 0, y: 0 };

    const move = () => {
      const slackX = (stage.clientWidth * (place.zoom - 1)) / 2;
      const slackY = (stage.clientHeight * (place.zoom - 1)) / 2;
      place.x = Math.max(-slackX, Math.min(slackX, place.x));
      place.y = Math.max(-slackY, Math.min(slackY, place.y));
      sheet.style.transform = `translate(${place.x}px, ${place.y}px) scale(${place.zoom})`;
      sheet.style.setProperty("--zoom", place.zoom);
      stage.classList.toggle("enlarged", place.zoom > 1);
    };

    /** Enlarge around a point of the screen, which keeps its place; without one, the middle. */
    const zoom = (factor, event) => {
      const box = stage.getBoundingClientRect();
      const x = event ? event.clientX - box.left - box.width / 2 : 0;
      const y = event ? event.clientY - box.top - box.height / 2 : 0;
      const next = Math.max(1, Math.min(MOST, place.zoom * factor));
      const ratio = next / place.zoom;
      place.x = x - (x - place.x) * ratio;
      place.y = y - (y - place.y) * ratio;
      place.zoom = next;
      move();
    };

    const develop = () => {
      const invert = shown.invert ? "invert(1) " : "";
      film.style.filter =
        `${invert}brightness(${slider("brightness").value}%) contrast(${slider("contrast").value}%)`;
    };

    const show = () => {
      for (const name of Object.keys(OFF)) {
        viewer.querySelector(`[data-tool="${name}"]`)?.setAttribute("aria-checked", shown[name]);
      }
      if (heat) {
        if (shown.heatmap && !heat.src) heat.src = heat.dataset.src;
        heat.hidden = !shown.heatmap;
        legend.hidden = !shown.heatmap;
        heat.style.opacity = slider("opacity").value / 100;
        contours.classList.toggle("visible", shown.contours);
      }
      develop();
    };

    const toggle = (name) => {
      shown[name] = !shown[name];
      // The contours belong to the heatmap: they come and go with it, and can be had alone.
      if (name === "heatmap") shown.contours = shown.heatmap;
      show();
    };

    const reset = () => {
      slider("brightness").value = 100;
      slider("contrast").value = 100;
      shown.invert = false;
      show();
    };

    const tools = {
      heatmap: () => heat && toggle("heatmap"),
      contours: () => heat && toggle("contours"),
      invert: () => toggle("invert"),
      larger: () => zoom(1.25),
      smaller: () => zoom(0.8),
      fit: () => { Object.assign(place, { zoom: 1, x: 0, y: 0 }); move(); },
      reset,
      pan: (x, y) => { place.x += x; place.y += y; move(); },
      enlarged: () => place.zoom > 1,
    };

    viewer.addEventListener("click", (event) => {
      const button = event.target.closest("[data-tool]");
      if (button) tools[button.dataset.tool]();
    });
    viewer.addEventListener("input", (event) => {
      if (event.target.dataset.slider === "opacity" && !shown.heatmap) toggle("heatmap");
      show();
    });
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 400), event);
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => (tools.enlarged() ? tools.fit() : zoom(2.5, event)));
    dragging(stage, tools, zoom);
    show();
    return tools;
  };

  /** One pointer moves the sheet, two fingers enlarge it. */
  const dragging = (stage, tools, zoom) => {
    const down = new Map();
    const apart = () => {
      const [a, b] = [...down.values()];
      return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      down.set(event.pointerId, event);
      if (tools.enlarged() || down.size > 1) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      const last = down.get(event.pointerId);
      if (!last) return;
      const before = down.size === 2 ? apart() : 0;
      down.set(event.pointerId, event);
      if (down.size === 2) zoom(apart() / before, event);
      else tools.pan(event.clientX - last.clientX, event.clientY - last.clientY);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      stage.addEventListener(end, (event) => down.delete(event.pointerId));
    }
  };

  const light = (target, lit) => {
    const name = target.closest?.("[data-region]")?.dataset.region;
    if (name === undefined) return;
    for (const each of document.querySelectorAll(`[data-region="${name}"]`)) {
      each.classList.toggle("lit", lit);
    }
  };
  for (const [type, lit] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(type, (event) => light(event.target, lit));
  }

  document.addEventListener("click", async (event) => {
    const region = event.target.closest("button[data-region]");
    if (region && !shown.contours) view?.contours();
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    await navigator.clipboard.writeText(copy.dataset.copy);
    announce("Copied");
    copy.classList.add("done");
    setTimeout(() => copy.classList.remove("done"), 1500);
  });

  const announce = (sentence) => { document.getElementById("live").textContent = sentence; };

  const begin = (root) => {
    const viewer = root.querySelector("[data-viewer]");
    // Other parts of the page are replaced too: a viewer that stays is not attached twice.
    if (!viewer || viewer === attached) return false;
    attached = viewer;
    view = attach(viewer);
    return true;
  };
  begin(document);
  document.addEventListener("htmx:afterSwap", () => {
    const reading = document.getElementById("reading");
    if (begin(reading)) announce(reading.querySelector("[data-says]")?.dataset.says ?? "");
  });

  const neighbour = (by) => () => {
    const links = [...document.querySelectorAll(".strip a")];
    links[links.findIndex((link) => link.hasAttribute("aria-current")) + by]?.click();
  };
  const arrow = (x, y) => (event) => {
    if (!view?.enlarged() || event.target.matches("input")) return false;
    return view.pan(40 * x, 40 * y);
  };
  Keys.listen({
    h: () => view?.heatmap(), c: () => view?.contours(), i: () => view?.invert(), r: () => view?.reset(),
    "+": () => view?.larger(), "=": () => view?.larger(), "-": () => view?.smaller(), 0: () => view?.fit(),
    ArrowLeft: arrow(1, 0), ArrowRight: arrow(-1, 0), ArrowUp: arrow(0, 1), ArrowDown: arrow(0, -1),
    "[": neighbour(-1), "]": neighbour(1),
    w: () => document.querySelector("[data-worklist]").click(),
  });
})();
