// A mask that is painted over the picture. Nothing here talks to Python.

const TINT = 0.34; // of the accent, where the edit may change the image
const SHADE = 0.55; // of black, where it may not
const STROKES = 50; // that can be taken back

class Brush {
  constructor(root) {
    this.root = root;
    this.veil = root.querySelector(".veil");
    this.veil.width = this.veil.height = SIDE;
    this.nib = root.querySelector(".nib");
    this.bar = root.querySelector(".brushbar");
    this.mask = document.createElement("canvas"); // white, opaque where the edit may change
    this.at = null; // the line whose mask is drawn, null while none is
    this.last = null; // where the stroke is, in pixels of the veil
    this.past = []; // the mask's alpha before each stroke that can be taken back
    this.erasing = false;
    this.onclose = () => {}; // with the mask as a PNG's address, or null
    this.listen();
  }

  get on() {
    return this.at !== null;
  }

  get size() {
    return (Number(this.bar.querySelector(".size-box").value) / 100) * SIDE;
  }

  async begin({ at, mask }) {
    const image = await pictureOf(mask);
    this.mask.width = image.naturalWidth;
    this.mask.height = image.naturalHeight;
    const context = this.mask.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, this.mask.width, this.mask.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data[i + 3] = pixels.data[i];
      pixels.data.fill(255, i, i + 3);
    }
    context.putImageData(pixels, 0, 0);
    this.at = at;
    this.past = [];
    this.offer();
    this.choose(false);
    this.show(true);
    this.draw();
  }

  close(kept) {
    const at = this.at;
    this.at = this.last = null;
    this.past = [];
    this.show(false);
    this.onclose(at, kept ? this.png() : null);
  }

  show(shown) {
    this.veil.hidden = this.bar.hidden = !shown;
    this.nib.hidden = true;
    this.root.querySelector(".editor").classList.toggle("drawing", shown);
    this.root.querySelector(".panel").inert = shown;
  }

  png() {
    const made = document.createElement("canvas");
    made.width = this.mask.width;
    made.height = this.mask.height;
    const context = made.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, made.width, made.height);
    context.drawImage(this.mask, 0, 0);
    return made.toDataURL("image/png");
  }

  choose(erasing) {
    this.erasing = erasing;
    for (const tool of this.bar.querySelectorAll("[data-tool]")) {
      tool.setAttribute("aria-checked", String((tool.dataset.tool === "erase") === erasing));
    }
  }

  remember() {
    const { data } = this.pixels();
    this.past.push(data.filter((_, i) => i % 4 === 3));
    if (this.past.length > STROKES) this.past.shift();
    this.offer();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    const pixels = this.pixels();
    pixels.data.fill(255);
    before.forEach((alpha, i) => (pixels.data[4 * i + 3] = alpha));
    this.mask.getContext("2d").putImageData(pixels, 0, 0);
    this.offer();
    this.draw();
  }

  pixels() {
    return this.mask.getContext("2d").getImageData(0, 0, this.mask.width, this.mask.height);
  }

  offer() {
    this.bar.querySelector('[data-brush="undo"]').disabled = !this.past.length;
  }

  clear() {
    this.remember();
    this.mask.getContext("2d").clearRect(0, 0, this.mask.width, this.mask.height);
    this.draw();
  }

  draw() {
    const context = this.veil.getContext("2d");
    const accent = getComputedStyle(this.bar).getPropertyValue("--accent");
    const layer = (colour, alpha, how) => {
      context.globalCompositeOperation = how;
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      context.fillRect(0, 0, SIDE, SIDE);
    };
    context.globalCompositeOperation = "copy";
    context.globalAlpha = 1;
    context.drawImage(this.mask, 0, 0, SIDE, SIDE);
    layer("#000", 1, "source-out"); // black outside the mask …
    layer("#000", SHADE, "destination-in");
    const tint = new OffscreenCanvas(SIDE, SIDE);
    const other = tint.getContext("2d");
    other.drawImage(this.mask, 0, 0, SIDE, SIDE);
    other.globalCompositeOperation = "source-in"; // … and the accent inside
    other.globalAlpha = TINT;
    other.fillStyle = accent;
    other.fillRect(0, 0, SIDE, SIDE);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    context.drawImage(tint, 0, 0);
  }

  stroke(to, erasing) {
    const context = this.mask.getContext("2d");
    context.setTransform(this.mask.width / SIDE, 0, 0, this.mask.height / SIDE, 0, 0);
    context.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    context.strokeStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = this.size;
    const from = this.last ?? to;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from === to ? 0.01 : 0)); // a dot where nothing moved
    context.stroke();
    context.resetTransform();
    context.globalCompositeOperation = "source-over";
    this.last = to;
  }

  place(event) {
    const box = this.veil.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * SIDE,
      y: ((event.clientY - box.top) / box.height) * SIDE,
    };
  }

  point(event) {
    const { x, y } = this.place(event);
    this.nib.hidden = false;
    this.nib.style.left = `${(100 * x) / SIDE}%`;
    this.nib.style.top = `${(100 * y) / SIDE}%`;
    this.nib.style.width = `${(100 * this.size) / SIDE}%`;
  }

  listen() {
    const veil = this.veil;
    veil.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      veil.setPointerCapture(event.pointerId);
      this.held = event.pointerId;
      this.last = null;
      this.remember();
      this.move(event);
    });
    veil.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      veil.addEventListener(end, (event) => {
        if (event.pointerId === this.held) this.held = this.last = null;
      });
    }
    veil.addEventListener("pointerleave", () => (this.nib.hidden = true));
    veil.addEventListener("contextmenu", (event) => event.preventDefault());
    for (const tool of this.bar.querySelectorAll("[data-tool]")) {
      tool.addEventListener("click", () => this.choose(tool.dataset.tool === "erase"));
    }
    const acts = {
      undo: () => this.undo(),
      clear: () => this.clear(),
      cancel: () => this.close(false),
      done: () => this.close(true),
    };
    for (const [what, act] of Object.entries(acts)) {
      this.bar.querySelector(`[data-brush="${what}"]`).addEventListener("click", act);
    }
  }

  // A second finger draws nothing of its own.
  move(event) {
    this.point(event);
    if (event.pointerId !== this.held) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) {
      this.stroke(this.place(one), this.erasing || event.altKey);
    }
    this.draw();
  }
}
