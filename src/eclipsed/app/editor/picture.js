// What is drawn on the canvas: the image, frames blended between strengths, and comparisons.
// Nothing here talks to Python.

const SIDE = 768; // of the canvas, so that small images are enlarged smoothly
const GAIN = 3; // of the difference view
const CHANGED = 0.02; // below this a pixel counts as unchanged

function pictureOf(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d");
    this.mode = "after";
    this.split = 0.5;
    this.holding = false;
    this.exact = this.before = this.mask = null;
    this.frames = null; // {strengths, images}
    this.strength = null; // of the frame to show, null for the exact image
    this.draws = 0;
    this.wanted = false;
    this.onshare = () => {};
  }

  soon() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame(() => {
      this.wanted = false;
      this.draw();
    });
  }

  draw() {
    if (!this.exact) return;
    const context = this.context;
    context.imageSmoothingQuality = "high";
    const showing = this.holding ? "before" : this.mode;
    if (showing === "before") this.put(this.before);
    else if (showing === "difference" || showing === "outside") this.compare(showing);
    else {
      this.after();
      if (showing === "split") this.put(this.before, this.split);
    }
    this.draws += 1;
    this.canvas.dataset.draws = this.draws;
    this.canvas.dataset.shown = this.strength === null ? "exact" : this.strength.toFixed(4);
  }

  put(image, part = 1) {
    const width = part * SIDE;
    const size = image.naturalWidth;
    if (width > 0) {
      this.context.drawImage(image, 0, 0, part * size, image.naturalHeight, 0, 0, width, SIDE);
    }
  }

  // Between two frames the picture is a blend of both, so that it moves with every pixel.
  after(context = this.context, side = SIDE) {
    if (this.strength === null || !this.frames) {
      context.drawImage(this.exact, 0, 0, side, side);
      return;
    }
    const { strengths, images } = this.frames;
    const last = strengths.length - 1;
    const along = (this.strength - strengths[0]) / (strengths[last] - strengths[0]);
    const place = Math.min(Math.max(along, 0), 1) * last;
    const low = Math.floor(place);
    context.drawImage(images[low], 0, 0, side, side);
    if (place > low) {
      context.globalAlpha = place - low;
      context.drawImage(images[low + 1], 0, 0, side, side);
      context.globalAlpha = 1;
    }
  }

  pixels(paint) {
    const size = Math.min(this.before.naturalWidth, 256);
    const canvas = new OffscreenCanvas(size, size);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    paint(context, size);
    return context.getImageData(0, 0, size, size);
  }

  compare(showing) {
    const paint = (image) => (context, size) => context.drawImage(image, 0, 0, size, size);
    const before = this.pixels(paint(this.before));
    const after = this.pixels((context, size) => this.after(context, size));
    const mask = showing === "outside" && this.mask ? this.pixels(paint(this.mask)).data : null;
    const made = new ImageData(before.width, before.height);
    let inside = 0;
    let all = 0;
    for (let i = 0; i < made.data.length; i += 4) {
      const parts = [0, 1, 2].map((k) => Math.abs(after.data[i + k] - before.data[i + k]) / 255);
      const change = (parts[0] + parts[1] + parts[2]) / 3;
      const within = mask ? mask[i] / 255 : 1;
      all += change;
      inside += change * within;
      if (showing === "difference") this.difference(made.data, i, parts);
      else this.outside(made.data, i, after.data, change, within);
      made.data[i + 3] = 255;
    }
    const small = new OffscreenCanvas(made.width, made.height);
    small.getContext("2d").putImageData(made, 0, 0);
    this.context.drawImage(small, 0, 0, SIDE, SIDE);
    this.onshare(mask && all > 0 ? inside / all : null);
  }

  difference(data, i, parts) {
    for (let k = 0; k < 3; k++) data[i + k] = Math.min(255, 255 * GAIN * parts[k]);
  }

  // Inside the region the image in grey and pale; outside, what changed glows.
  outside(data, i, after, change, within) {
    const grey = 0.3 * after[i] + 0.59 * after[i + 1] + 0.11 * after[i + 2];
    const base = within > 0.5 ? 0.45 * grey + 130 : 0.5 * grey;
    const glow = Math.min(1, Math.max(0, change - CHANGED) * 8) * (1 - within);
    data[i] = base + glow * (255 - base);
    data[i + 1] = base * (1 - 0.8 * glow);
    data[i + 2] = base * (1 - 0.9 * glow);
  }
}
