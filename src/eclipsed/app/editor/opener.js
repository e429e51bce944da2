// A photo on its way: its faces to click, the square to draw, and how far its inversion is.

const SMALLEST = 0.02; // of the photo's longer side: a square's side
const STEP = 0.01; // of the photo's longer side, that a key moves or sizes the square by

class Opener {
  constructor(root, tell) {
    this.root = root;
    this.tell = tell;
    this.box = root.querySelector(".opener");
    this.bar = root.querySelector(".photobar");
    this.square = root.querySelector(".square");
    this.data = null;
    this.at = null; // the square's left, top and side, in photo widths
    this.listen();
  }

  get on() {
    return this.data !== null;
  }

  show(data) {
    const fresh = data !== null && this.data?.picture !== data.picture;
    this.data = data;
    this.box.hidden = this.bar.hidden = data === null;
    this.root.querySelector(".editor").classList.toggle("opening", data !== null);
    if (data === null) return;
    if (fresh) this.begin(data);
    const choosing = !data.running;
    this.square.hidden = !choosing;
    this.faces(data, choosing);
    this.say(data, choosing);
    this.place();
  }

  begin(data) {
    this.box.querySelector(".whole").src = data.picture;
    const [left, top, right] = data.middle;
    this.at = { left, top: top / data.aspect, side: right - left };
    const options = data.methods.map((method) => {
      const option = make("option", "", METHODS[method]);
      option.value = method;
      return option;
    });
    this.method.replaceChildren(...options);
    this.method.value = data.method;
  }

  get method() {
    return this.bar.querySelector(".method");
  }

  faces(data, choosing) {
    const signature = JSON.stringify([data.faces, choosing]);
    if (signature === this.signature) return; // a box must not vanish under a finger
    this.signature = signature;
    const boxes = data.faces.map(({ number, box: [left, top, right, bottom] }) => {
      const act = () => this.tell("choose", { method: this.method.value, face: number, box: null });
      const made = button(String(number), `Edit face ${number}`, act, "face");
      Object.assign(made.style, percent({ left, top, width: right - left, height: bottom - top }));
      made.disabled = !choosing;
      return made;
    });
    this.box.querySelector(".faces").replaceChildren(...boxes);
  }

  say(data, choosing) {
    const words = this.bar.querySelector(".words");
    words.textContent = [...data.notes, this.stage(data)].join(" ");
    words.classList.toggle("bad", data.stage === "failed");
    const progress = this.bar.querySelector(".progress");
    progress.hidden = choosing;
    progress.classList.toggle("waiting", !data.step);
    progress.firstElementChild.style.width = data.steps ? `${(100 * data.step) / data.steps}%` : "";
    const shown = data.running ? data.pictures : [];
    const images = shown.map((address, i) => {
      const image = make("img");
      image.src = address;
      image.alt = image.title = ["the photo's square", "the generator's image of it", "what it lacks"][i];
      return image;
    });
    this.bar.querySelector(".shown").replaceChildren(...images);
    this.method.parentElement.hidden = !choosing;
    this.bar.querySelector('[data-open="square"]').hidden = !choosing;
    this.bar.querySelector('[data-open="enough"]').hidden = !(data.stage === "inverting" && data.step);
  }

  stage(data) {
    const { faces, finds, step, steps, decibels } = data;
    const draw = "Draw the square around it.";
    const asked = finds
      ? faces.length
        ? `${faces.length === 1 ? "One face was" : `${faces.length} faces were`} found: click one, or draw the square.`
        : `No face was found. ${draw}`
      : `This world looks for no faces. ${draw}`;
    const near = decibels === null ? "" : `, ${decibels.toFixed(1)} dB`;
    return {
      finding: "Looking for faces …",
      choosing: asked,
      inverting: steps ? `Inverting: step ${step} of ${steps}${near}` : "Inverting …",
      stopped: asked,
      failed: data.error,
      done: "",
    }[data.stage];
  }

  // The square in photo widths becomes a place in per cent of the frame.
  place() {
    const { left, top, side } = this.at;
    const { aspect } = this.data;
    Object.assign(this.square.style, percent({ left, top: top * aspect, width: side, height: side * aspect }));
  }

  // Moved or sized, its centre stays in the photo.
  change({ left = this.at.left, top = this.at.top, side = this.at.side }) {
    const high = 1 / this.data.aspect;
    const longest = Math.max(1, high);
    const sized = Math.min(longest, Math.max(SMALLEST * longest, side));
    const within = (value, limit) => Math.min(limit - sized / 2, Math.max(-sized / 2, value));
    this.at = { left: within(left, 1), top: within(top, high), side: sized };
    this.place();
  }

  listen() {
    const square = this.square;
    square.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      square.setPointerCapture(event.pointerId);
      this.held = { x: event.clientX, y: event.clientY, ...this.at, sizing: event.target !== square };
    });
    square.addEventListener("pointermove", (event) => {
      if (!this.held || !square.hasPointerCapture(event.pointerId)) return;
      const { width } = this.box.getBoundingClientRect();
      const [x, y] = [(event.clientX - this.held.x) / width, (event.clientY - this.held.y) / width];
      const { left, top, side, sizing } = this.held;
      this.change(sizing ? { left, top, side: side + Math.max(x, y) } : { left: left + x, top: top + y });
    });
    for (const end of ["pointerup", "pointercancel"]) {
      square.addEventListener(end, () => (this.held = null));
    }
    square.addEventListener("keydown", (event) => {
      const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!x && !y) return;
      event.preventDefault();
      event.stopPropagation();
      const step = STEP * Math.max(1, 1 / this.data.aspect);
      const { left, top, side } = this.at;
      const by = step * (x - y);
      this.change(
        event.shiftKey
          ? { left: left - by / 2, top: top - by / 2, side: side + by }
          : { left: left + step * x, top: top + step * y },
      );
    });
    const acts = {
      square: () => {
        const { left, top, side } = this.at;
        const { aspect } = this.data;
        const box = [left, top * aspect, left + side, (top + side) * aspect];
        this.tell("choose", { method: this.method.value, face: null, box });
      },
      enough: () => this.tell("enough"),
      leave: () => this.tell("leave"),
    };
    for (const [what, act] of Object.entries(acts)) {
      this.bar.querySelector(`[data-open="${what}"]`).addEventListener("click", act);
    }
  }
}

const METHODS = { encoder: "at a glance", optimise: "step by step", tune: "step by step, and tuned" };

function percent(places) {
  return Object.fromEntries(Object.entries(places).map(([name, part]) => [name, `${100 * part}%`]));
}
