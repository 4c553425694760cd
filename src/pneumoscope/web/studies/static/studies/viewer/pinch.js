// Two fingers enlarge and move at once; a double press enlarges, or shows the whole again.
const DOUBLE = 2.5;

export const pinching = (stage, pane) => {
  const down = new Map();
  const pair = () => [...down.values()];
  const middle = () => {
    const [a, b] = pair();
    const box = stage.getBoundingClientRect();
    return [(a.clientX + b.clientX) / 2 - box.left, (a.clientY + b.clientY) / 2 - box.top];
  };
  const apart = () => {
    const [a, b] = pair();
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") down.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    if (down.size !== 2) return void down.set(event.pointerId, event);
    const [was, [x, y]] = [apart(), middle()];
    down.set(event.pointerId, event);
    const [toX, toY] = middle();
    pane.panBy(toX - x, toY - y);
    if (was > 0) pane.zoomBy(apart() / was, [toX, toY]);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    stage.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", (event) => {
    const box = stage.getBoundingClientRect();
    if (pane.zoom > 1.01) pane.fit();
    else pane.zoomBy(DOUBLE, [event.clientX - box.left, event.clientY - box.top]);
  });
};
