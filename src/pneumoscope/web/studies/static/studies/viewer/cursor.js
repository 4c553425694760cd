// A pointer moved by keys: Enter presses and lets go, arrows move. It speaks to Cornerstone as a
// mouse does, so that every tool works without one.
const STEP = 8;

export class KeyCursor {
  constructor(stage) {
    this.stage = stage;
    this.screen = stage.querySelector("[data-screen]");
    this.mark = stage.querySelector("[data-cursor]");
    this.pressed = false;
    stage.addEventListener("blur", () => this.hide());
  }

  get place() {
    return (this.at ??= [this.stage.clientWidth / 2, this.stage.clientHeight / 2]);
  }

  move(x, y, fine) {
    const step = fine ? 1 : STEP;
    const [left, top] = this.place;
    this.at = [
      Math.max(0, Math.min(this.stage.clientWidth, left + x * step)),
      Math.max(0, Math.min(this.stage.clientHeight, top + y * step)),
    ];
    this.show();
    if (this.pressed) this.say("mousemove", document);
  }

  press() {
    this.show();
    this.pressed = !this.pressed;
    if (this.pressed) this.say("mousedown", this.screen);
    else this.say("mouseup", document);
    this.mark.classList.toggle("pressed", this.pressed);
  }

  hide() {
    if (this.pressed) this.press();
    this.mark.hidden = true;
  }

  show() {
    const [left, top] = this.place;
    this.mark.hidden = false;
    this.mark.style.left = `${left}px`;
    this.mark.style.top = `${top}px`;
  }

  say(type, target) {
    const box = this.stage.getBoundingClientRect();
    const [left, top] = this.place;
    target.dispatchEvent(new MouseEvent(type, {
      bubbles: true, cancelable: true, view: window, button: 0, buttons: type === "mouseup" ? 0 : 1,
      clientX: box.left + left, clientY: box.top + top,
    }));
  }
}
