// Draws the plots. Data come from the page, colours from its styles, words from its tables.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("plots").textContent);
  const drawn = [];
  const STEPS = { count: [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5].map((tens) => n * 10 ** tens)).sort((a, b) => a - b) };
  STEPS.seconds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200,
    14400, 21600, 43200, 86400, 172800, 345600, 604800, 1209600, 2592000];
  const units = {
    count: (value) => Number.isInteger(value) ? value.toLocaleString(document.documentElement.lang) : "",
    share: (value) => `${Math.round(value * 100)}\u00a0%`,
    seconds: (value) => {
      const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => value >= size) || [1, "s"];
      return `${Number((value / size).toPrecision(2))}\u00a0${unit}`;
    },
  };

  /** The colour a class has now, in this reading mode. */
  const colour = (name, within) => {
    const probe = within.appendChild(document.createElement("i"));
    probe.className = name;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const faint = (rgb) => rgb.replace(/^rgba?\(([^)]*)\)$/, (_, parts) => `rgba(${parts.split(",").slice(0, 3)}, 0.2)`);

  const pathsOf = {
    bars: uPlot.paths.bars({ size: [0.72, 48], gap: 1 }),
    steps: uPlot.paths.stepped({ align: 1 }),
  };

  const seriesOf = (each, place) => {
    const stroke = colour(each.colour, place);
    if (each.style === "bars") return { fill: stroke, width: 0, paths: pathsOf.bars, points: { show: false } };
    if (each.style === "low" || each.style === "high") return { stroke: "transparent", width: 0, points: { show: false } };
    return {
      stroke, width: 2, paths: pathsOf[each.style],
      dash: each.style === "dashed" ? [6, 4] : undefined,
      points: each.style === "line" ? { size: 5, fill: stroke, stroke } : { show: false },
    };
  };

  const aligned = (plot) => [plot.labels.map((_, place) => place), ...plot.series.map((each) => each.values)];
  const top = (plot) => (_, low, high) => [0, plot.unit === "share" ? Math.min(1, (high || 0.1) * 1.1) : (high || 1) * 1.05];

  const optionsOf = (plot, place, small) => {
    const quiet = colour("quiet", place);
    const line = colour("line-colour", place);
    const axis = { stroke: quiet, font: `12px ${getComputedStyle(place).fontFamily}`, ticks: { show: false } };
    const last = plot.labels.length - 1;
    return {
      width: place.clientWidth, height: place.clientHeight,
      padding: small ? [2, 2, 2, 2] : [8, 16, 0, 0],
      legend: { show: false }, select: { show: false },
      cursor: small ? { show: false } : { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: [-0.5, last + 0.5] }, y: { range: top(plot) } },
      axes: small ? [{ show: false }, { show: false }] : [
        { ...axis, size: 28, grid: { show: false }, incrs: [1, 2, 5, 7, 10, 13, 20, 26], space: 64, values: (_, at) => at.map((x) => plot.labels[x] ?? "") },
        { ...axis, grid: { stroke: line, width: 1 }, size: 56, space: 32, incrs: STEPS[plot.unit], values: (_, at) => at.map(units[plot.unit]) },
      ],
      series: [{}, ...plot.series.map((each) => seriesOf(each, place))],
      bands: plot.series[0].style === "high" ? [{ series: [1, 2], fill: faint(colour(plot.series[0].colour, place)) }] : [],
    };
  };

  /** Under the pointer: the row of the table that says it in words. */
  const light = (section, at) => {
    const box = section.querySelector(".table-box");
    box.querySelector("tr.lit")?.classList.remove("lit");
    const row = at == null ? null : box.querySelector(`tr[data-place="${at}"]`);
    if (!row) return;
    row.classList.add("lit");
    const head = box.querySelector("thead").offsetHeight;
    box.scrollTop = row.offsetTop - head - (box.clientHeight - head - row.offsetHeight) / 2;
  };

  const draw = (place, plot, small) => {
    const options = optionsOf(plot, place, small);
    if (!small) options.hooks = { setCursor: [(u) => light(place.closest("section"), u.cursor.idx)] };
    const chart = new uPlot(options, aligned(plot), place);
    if (!small) chart.over.addEventListener("click", () => {
      // A finger's first touch asks for the number; the link stands in the table.
      const link = plot.links[chart.cursor.idx];
      if (link && matchMedia("(hover: hover)").matches) location.assign(link);
    });
    return chart;
  };

  const drawAll = () => {
    for (const chart of drawn.splice(0)) chart.destroy();
    for (const place of document.querySelectorAll("[data-plot], [data-spark]")) {
      const plot = data[place.dataset.plot || place.dataset.spark];
      if (plot && place.clientWidth) drawn.push(draw(place, plot, !place.dataset.plot));
    }
  };

  drawAll();
  // Another width, another reading mode, paper: drawn anew.
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll);
})();
