// What is drawn on the canvas: the image, frames blended between strengths, and comparisons.
// Nothing here talks to Python.

const SIDE = 768; // of a mask that is painted
const WIDEST = 2048; // of the canvas, which has the screen's own pixels
const SMALL = 256; // images up to this side are enlarged with steep edges,
const TIMES = 4; // so many times,
const STEEP = 0.7; // from 0, as soft as the browser makes them, to 1
const GAIN = 3; // of the difference view
const CHANGED = 0.02; // below this a pixel counts as unchanged

function pictureOf(address) {
  const image = new Image();
  image.src = address;
  return image.decode().then(() => image);
}

// The darkest or the lightest of each pixel and its neighbours, in each colour.
function extreme(image, how) {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  context.globalCompositeOperation = how;
  for (const x of [-1, 0, 1]) for (const y of [-1, 0, 1]) context.drawImage(image, x, y);
  return canvas;
}

// Enlarged, each pixel goes on towards the nearer of its neighbourhood's extremes: edges are steep,
// and nothing rings. `enlarged` in editing/images.py does the same to what is saved.
function enlarge(image) {
  const [width, height] = [image.naturalWidth * TIMES, image.naturalHeight * TIMES];
  const drawn = (source) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, width, height);
    return context;
  };
  const made = drawn(image);
  const pixels = made.getImageData(0, 0, width, height);
  const { data } = pixels;
  const [low, high] = ["darken", "lighten"].map(
    (how) => drawn(extreme(image, how)).getImageData(0, 0, width, height).data,
  );
  for (let i = 0; i < data.length; i += 1) {
    const span = high[i] - low[i];
    if (span < 1) continue;
    const along = Math.min(1, Math.max(0, (data[i] - low[i]) / span));
    const steep = along * along * (3 - 2 * along);
    data[i] = low[i] + (along + STEEP * (steep - along)) * span + 0.5;
  }
  made.putImageData(pixels, 0, 0);
  return made.canvas;
}

const enlarged = new WeakMap();

function sharp(image) {
  if (Math.max(image.naturalWidth, image.naturalHeight) > SMALL) return image;
  if (!enlarged.has(image)) enlarged.set(image, enlarge(image));
  return enlarged.get(image);
}

class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.mode = "after";
    this.split = 0.5;
    this.holding = false;
    this.exact = this.before = this.mask = null;
    this.frames = null; // [{strength, image}], the weakest first
    this.strength = null; // of the frame to show, null for the exact image
    this.draws = 0;
    this.wanted = false;
    this.onshare = () => {};
    new ResizeObserver(() => this.fit() && this.draw()).observe(canvas);
  }

  // As many pixels as the screen has there; whether that is another number than before.
  fit() {
    const { canvas } = this;
    const { width, height } = canvas.getBoundingClientRect();
    const scale = Math.min(devicePixelRatio, WIDEST / Math.max(width, height, 1));
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (!wide || (canvas.width === wide && canvas.height === high)) return false;
    Object.assign(canvas, { width: wide, height: high });
    return true;
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
    const { width, height } = this.canvas;
    const drawn = sharp(image);
    const [wide, high] = [drawn.naturalWidth ?? drawn.width, drawn.naturalHeight ?? drawn.height];
    if (part > 0) {
      this.context.drawImage(drawn, 0, 0, part * wide, high, 0, 0, part * width, height);
    }
  }

  // Between two frames the picture is a blend of both, so that it moves with every pixel.
  after(context = this.context, { width, height } = this.canvas, look = sharp) {
    const draw = (image) => context.drawImage(look(image), 0, 0, width, height);
    if (this.strength === null || !this.frames) {
      draw(this.exact);
      return;
    }
    const next = this.frames.findIndex(({ strength }) => strength >= this.strength);
    const high = next < 0 ? this.frames.length - 1 : next;
    const [below, above] = [this.frames[Math.max(0, high - 1)], this.frames[high]];
    const share = (this.strength - below.strength) / (above.strength - below.strength);
    draw(below.image);
    if (share > 0) {
      context.globalAlpha = Math.min(1, share);
      draw(above.image);
      context.globalAlpha = 1;
    }
  }

  pixels(paint) {
    const { naturalWidth, naturalHeight } = this.before;
    const scale = Math.min(1, SMALL / Math.max(naturalWidth, naturalHeight));
    const [width, height] = [naturalWidth, naturalHeight].map((side) => Math.round(side * scale));
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    paint(context, { width, height });
    return context.getImageData(0, 0, width, height);
  }

  compare(showing) {
    const paint = (image) => (context, { width, height }) => context.drawImage(image, 0, 0, width, height);
    const before = this.pixels(paint(this.before));
    const after = this.pixels((context, size) => this.after(context, size, (image) => image));
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
    this.context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
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
