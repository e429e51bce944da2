// The page's hands: it shows what Python says and tells Python what was done. Text from cards and
// prompts is only ever set as textContent. Events carry numbers and are sent again until Python says
// that it has heard them, so that none is lost between two answers.

const POLL = 600; // milliseconds between looks at a running search
const NUDGE = 0.05;
const ASK = 3; // times for the same frames
const FEW = 5; // frames that are drawn at a time, and that suffice to move a slider
const BESIDE = 6; // sliders besides the one at hand whose first frames are drawn ahead,
const QUICK = 80; // where an image takes no more than so many milliseconds
const MARKS = [[-1, 20], [0, 50], [1, 80]]; // strengths, and where they lie on every slider, in %
const LARGEST = 48 * 2 ** 20; // bytes of a file that can be dropped

function make(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

function button(text, title, act, name = "") {
  const made = make("button", name, text);
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title || text);
  made.addEventListener("click", (event) => {
    event.stopPropagation();
    act();
  });
  return made;
}

// What a row of chips is about, explained where the pointer rests.
function what(text, title) {
  const made = make("span", "what", text);
  made.title = title;
  return made;
}

function signed(value) {
  return `${value > 0 ? "+" : ""}${value.toFixed(2)}`;
}

// A number as people type it: with a minus of any kind, and a comma for a point.
function numberIn(text) {
  const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

class Editor {
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.queue = [];
    this.number = 0;
    this.data = null;
    this.drag = null; // the line whose slider is held
    this.open = new Set(); // lines whose details are shown, by file
    this.sliders = [];
    this.items = [];
    this.frames = new Map(); // by their key: how many there are, and those that came
    this.asked = { what: "", times: 0 }; // the frames that were asked for last
    this.files = 0; // downloads that were saved
    this.picture = new Picture(this.find(".canvas"));
    this.picture.onshare = (share) => this.readout(share);
    this.brush = new Brush(root);
    this.brush.onclose = (at, address) => this.drawn(at, address);
    this.opener = new Opener(root, (what, words) => this.tell(what, words));
    this.listen();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  // --- talking to Python ---

  tell(what, words = {}) {
    this.number += 1;
    this.queue.push({ id: this.number, do: what, ...words });
    this.find(".frame").dataset.quiet = "false";
    this.send(this.queue);
  }

  // While one slider event is on its way, the next waits, and only the latest is sent.
  follow(at, to) {
    this.latest = { at, to };
    if (!this.queue.some((event) => event.do === "strength")) this.flush();
  }

  flush() {
    if (!this.latest) return;
    const { at, to } = this.latest;
    this.latest = null;
    this.tell("strength", { at, to, dragging: true });
  }

  // --- what Python says ---

  async show(data, send) {
    this.send = send;
    if (strange(data)) return; // the desk of before the reload comes next
    const first = this.data === null;
    this.data = data;
    this.number = Math.max(this.number, data.heard);
    this.queue = this.queue.filter((event) => event.id > data.heard);
    if (first) this.files = data.download?.number ?? 0; // those of before were saved before
    this.controls(data);
    this.notice(data);
    this.prompts(this.find(".prompts"), data.prompts, "try");
    this.search(data.search);
    this.opener.show(data.opening);
    this.lines(data);
    this.offers(data);
    this.download(data.download);
    if (data.image) await this.images(data);
    if (data.brush) await this.draw(data.brush);
    if (first) this.greet();
    this.want();
    if (this.latest && !this.queue.some((event) => event.do === "strength")) this.flush();
    this.poll();
    this.find(".frame").dataset.quiet = String(!this.queue.length);
  }

  async images(data) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const [exact, before, mask] = await Promise.all([
      pictureOf(data.image),
      pictureOf(data.before),
      data.mask ? pictureOf(data.mask) : null,
    ]);
    if (data.frames) await this.keep(data.frames);
    if (turn !== this.turn) return; // a newer answer overtook this one
    Object.assign(this.picture, { exact, before, mask, mode: this.mode() });
    const frame = this.find(".frame");
    frame.image = data.image; // for whoever wants the exact pixels
    frame.style.setProperty("--aspect", data.opening?.aspect ?? exact.naturalWidth / exact.naturalHeight);
    this.picture.frames = this.framesOf(this.drag?.at ?? data.selected);
    if (!this.drag && !this.pending()) this.picture.strength = null;
    frame.dataset.ready = this.lacks(data.selected, Infinity) ? "image" : "frames";
    this.tags();
    this.readout(null);
    this.picture.fit();
    this.picture.draw();
  }

  // While a mask is drawn, what lies under it is the picture itself.
  mode() {
    return this.brush.on ? "after" : this.data.compare;
  }

  // A mask is drawn on what the generator shows, which of a photo is the square alone.
  async draw(brush) {
    const { picture } = this;
    picture.exact = await pictureOf(brush.under);
    this.find(".frame").style.setProperty("--aspect", picture.exact.naturalWidth / picture.exact.naturalHeight);
    await this.brush.begin(brush);
    picture.fit();
    this.look();
  }

  async drawn(at, address) {
    await this.images(this.data);
    if (address) this.tell("mask", { at, to: address.slice(address.indexOf(",") + 1) });
  }

  look() {
    this.picture.mode = this.mode();
    this.picture.strength = null;
    this.tags();
    this.picture.draw();
  }

  async keep({ key, strengths, pictures, of }) {
    const images = await Promise.all(pictures.map(pictureOf));
    const known = this.frames.get(key)?.frames ?? [];
    const fresh = strengths.map((strength, i) => ({ strength, image: images[i] }));
    const frames = [...known.filter((one) => !strengths.includes(one.strength)), ...fresh];
    this.frames.delete(key);
    this.frames.set(key, { of, frames: frames.sort((a, b) => a.strength - b.strength) });
    while (this.frames.size > 2 * BESIDE) this.frames.delete(this.frames.keys().next().value);
  }

  // What a line's slider can be dragged over, null before there is enough.
  framesOf(at) {
    const known = this.frames.get(this.data.lines[at]?.frames_key);
    return known && known.frames.length > 1 ? known.frames : null;
  }

  // Whether a line has fewer frames than these, and not all that there are.
  lacks(at, count) {
    const known = this.frames.get(this.data.lines[at]?.frames_key);
    return !known || known.frames.length < Math.min(count, known.of);
  }

  // Frames are drawn a few at a time, so that whatever is done meanwhile is answered in between:
  // the first of every slider, then the others of the one at hand. They are asked for again if the
  // answer was overtaken by another.
  want() {
    const { lines, selected, milliseconds } = this.data;
    this.waiting = selected !== null && this.lacks(selected, Infinity);
    if (this.queue.length || selected === null) return;
    const beside = milliseconds > QUICK || this.drag ? [] : [...lines.keys()].slice(0, BESIDE);
    let at = [selected, ...beside].find((one) => this.lacks(one, FEW));
    if (at === undefined && this.waiting) at = selected;
    if (at === undefined) return;
    const key = lines[at].frames_key;
    const from = this.frames.get(key)?.frames.length ?? 0;
    const what = `${key} ${from}`;
    if (this.asked.what !== what) this.asked = { what, times: 0 };
    this.asked.times += 1;
    if (this.asked.times <= ASK) this.tell("frames", { at, from, count: FEW });
  }

  pending() {
    return Boolean(this.latest) || this.queue.some((event) => event.do === "strength");
  }

  poll() {
    clearTimeout(this.timer);
    const busy = this.data.search?.running || this.data.opening?.running || (this.data.sketching && !this.waiting);
    if (busy) this.timer = setTimeout(() => this.here() && this.tell("look"), POLL);
  }

  // Whether the page is still shown; one that was left takes no keys.
  here() {
    if (!this.find(".editor")?.isConnected) this.close();
    return Boolean(this.find(".editor")?.isConnected);
  }

  controls(data) {
    const seed = this.find(".seed-box");
    if (!this.numbering) seed.value = data.seed;
    const examples = data.examples.slice(0, 2).join(", ");
    this.find(".prompt").placeholder = `What should change? ${examples}${examples && " …"}`;
    this.photo(data);
    this.find(".seed").hidden = Boolean(data.latent);
    const latent = this.find(".latent");
    latent.hidden = !data.latent;
    latent.textContent = latent.title = `latent ${data.latent}`;
    this.find(".psi-box").parentElement.hidden = Boolean(data.latent); // it is not truncated
    if (!this.turning) this.find(".psi-box").value = data.truncation;
    this.find(".psi-value").textContent = data.truncation.toFixed(2);
    const able = { undo: data.undo, redo: data.redo, reset: data.lines.length };
    for (const [what, count] of Object.entries(able)) {
      this.find(`[data-do="${what}"]`).disabled = !count;
    }
    for (const what of ["strip", "animation"]) {
      this.find(`[data-do="${what}"]`).disabled = data.selected === null;
    }
    for (const choice of this.root.querySelectorAll("[data-compare]")) {
      choice.setAttribute("aria-checked", String(choice.dataset.compare === data.compare));
    }
    const outside = this.find('[data-compare="outside"]');
    outside.disabled = !data.lines.length;
    this.find(".empty").hidden = data.lines.length > 0;
    this.find(".empty").textContent = data.offers.length
      ? "No edits yet. Say what should change, or take a card below."
      : "No edits yet. Say what should change; what is found is kept in your library.";
  }

  photo({ photo, opening }) {
    this.find(".ofphoto").hidden = !photo || Boolean(opening);
    this.find(".ofseed").hidden = Boolean(photo || opening);
    for (const part of [".compare-bar", ".readout"]) this.find(part).hidden = Boolean(opening);
    this.find(".times").hidden = Boolean(photo);
    this.find('[data-do="save"]').textContent = `Save ${photo?.kind ?? "PNG"}`;
    this.find('[data-do="save"]').title = photo
      ? "The photo with its edits, at its own size and of its own kind; outside the edits no pixel differs"
      : "The picture, with its edits inside: drop it here to go on from it";
    if (!photo) return;
    const name = this.find(".photo-name");
    name.textContent = photo.name;
    name.title = `${photo.width}×${photo.height} pixels, inverted by ${photo.method} to ${photo.decibels.toFixed(1)} dB`;
    for (const choice of this.root.querySelectorAll("[data-near]")) {
      choice.setAttribute("aria-checked", String(choice.dataset.near === String(photo.near)));
    }
    this.find(".blend").checked = photo.mixed;
  }

  notice(data) {
    const box = this.find(".notice");
    box.hidden = !data.notice;
    box.textContent = data.notice?.text ?? "";
    box.classList.toggle("bad", Boolean(data.notice?.bad));
  }

  readout(share) {
    const { exact } = this.picture;
    if (!this.data || !exact) return;
    const { width, height } = this.data.photo ?? { width: exact.naturalWidth, height: exact.naturalHeight };
    const words = [`${width}×${height} pixels`];
    if (this.data.compare === "outside") {
      const { inside } = this.data;
      if (!inside.length) words.push("no region: the whole image may change");
      else if (share !== null) {
        words.push(`${(100 * share).toFixed(0)}% of the change lies inside ${inside.join(", ")}`);
      }
    }
    const readout = this.find(".readout");
    readout.textContent = words.join(" · ");
    readout.title = `drawn in ${this.data.milliseconds} ms`;
    for (const option of this.find(".times").options) {
      const [wide, high] = [exact.naturalWidth, exact.naturalHeight].map((n) => n * option.value);
      option.textContent = `${wide}×${high}`;
    }
  }

  tags() {
    const split = this.picture.mode === "split" && !this.picture.holding;
    this.find(".handle").hidden = !split;
    this.find(".handle").style.left = `${100 * this.picture.split}%`;
    this.find(".tag.left").hidden = !split && !this.picture.holding;
    this.find(".tag.right").hidden = !split;
  }

  download(file) {
    if (!file || file.number <= this.files) return;
    this.files = file.number;
    const link = make("a");
    link.href = file.data;
    link.download = file.name;
    link.click();
  }

  // Sentences to click in place of typing; none while a search runs.
  prompts(box, prompts, words) {
    const chips = prompts.map((prompt) =>
      button(prompt, `Find “${prompt}”`, () => this.tell("find", { prompt }), "chip"),
    );
    box.hidden = !chips.length || Boolean(this.data.search?.running);
    const signature = JSON.stringify(prompts);
    if (signature === box.dataset.prompts) return; // a chip must not vanish under a finger
    box.dataset.prompts = signature;
    box.replaceChildren(make("span", "", words), ...chips);
  }

  // --- a running search ---

  search(search) {
    const box = this.find(".search");
    box.hidden = !search || search.dismissed;
    this.find(".ask button").disabled = Boolean(search?.running);
    if (!search) return;
    const head = make("div", "head");
    head.append(make("div", "words", `“${search.prompt}”: ${this.stage(search)}`));
    if (search.stage === "asking") {
      head.append(button("Train anyway", "Train anyway", () => this.tell("go on")));
      head.append(button("Leave it", "Leave it", () => this.tell("stop")));
    } else if (search.running && search.stage !== "scoring") {
      const words = search.step ? "Stop and keep" : "Stop";
      head.append(button(words, words, () => this.tell("stop")));
    } else if (!search.running) {
      head.append(button("Close", "Close", () => this.tell("dismiss")));
    }
    const parts = [head];
    if (search.reason) {
      const where = search.regions.join(", ") || "the whole image";
      parts.push(make("div", "small", `${search.verdict}, in ${where}. ${search.reason}`));
    }
    if (search.judged) parts.push(make("div", `judged ${search.judged.kind}`, search.judged.sentence));
    if (search.instead.length) {
      this.instead ??= make("div", "prompts");
      this.prompts(this.instead, search.instead, "near to it, and likely:");
      parts.push(this.instead);
    }
    if (search.running) parts.push(this.progress(search));
    if (search.snapshots.length > 1) {
      const strip = make("div", "snapshots");
      for (const address of search.snapshots) {
        const image = make("img");
        image.src = address;
        image.alt = "";
        strip.append(image);
      }
      parts.push(strip);
    }
    box.replaceChildren(...parts);
  }

  stage(search) {
    const left = search.left === null ? "" : `, about ${Math.ceil(search.left)} s left`;
    const draft = search.draft ? "; a draft can be used already" : "";
    return {
      checking: "can this generator do it?",
      asking: "unlikely to work here.",
      looking: `looking at what this world can show, ${search.seconds} s; the first prompt takes longest${draft}`,
      training: (search.steps ? `step ${search.step} of ${search.steps}${left}` : "taking the first step") + draft,
      scoring: "in the stack; being scored",
      done: `done in ${search.seconds} s`,
      stopped: search.step ? "stopped; what was learned is kept" : "stopped",
      failed: search.error,
    }[search.stage];
  }

  progress(search) {
    const bar = make("div", "progress");
    const done = make("i");
    bar.append(done);
    const measured = search.stage === "training" && search.step > 0;
    bar.classList.toggle("waiting", !measured);
    if (measured) done.style.width = `${(100 * search.step) / search.steps}%`;
    return bar;
  }

  // --- the stack ---

  // Lines are built anew only when they must be: a button must not vanish under a finger.
  lines(data) {
    if (this.drag) return;
    const built = data.lines.map(({ strength, frames_key, ...rest }) => rest);
    const signature = JSON.stringify([built, data.regions, [...this.open]]);
    if (signature !== this.signature) {
      this.signature = signature;
      const focused = this.root.activeElement?.dataset?.at;
      this.sliders = [];
      this.items = data.lines.map((line, at) => this.line(line, at, data));
      this.find(".stack").replaceChildren(...this.items);
      if (focused !== undefined) this.sliders[Number(focused)]?.box.focus({ preventScroll: true });
    }
    this.items.forEach((item, at) => item.classList.toggle("selected", at === data.selected));
    if (this.pending()) return;
    data.lines.forEach((line, at) => this.sliders[at].set(line.strength));
  }

  line(line, at, data) {
    const item = make("li", "line");
    item.classList.toggle("muted", line.muted);
    const head = make("div", "head");
    const name = make("span", "name", line.name);
    name.title = line.judged ? `${line.name}: ${line.judged.sentence}` : line.name;
    const last = data.lines.length - 1;
    const up = button("↑", "Earlier", () => this.tell("move", { at, to: at - 1 }));
    const down = button("↓", "Later", () => this.tell("move", { at, to: at + 1 }));
    up.disabled = at === 0;
    down.disabled = at === last;
    const mute = button(line.muted ? "○" : "●", line.muted ? "Unmute" : "Mute", () =>
      this.tell("mute", { at, to: !line.muted }),
    );
    const more = button("⋯", "Layers and region", () => this.toggle(line.file));
    more.classList.toggle("on", this.open.has(line.file) || line.hard || line.layers !== null);
    if (line.drawn) name.append(make("span", "badge", "mask"));
    if (line.draft) {
      const badge = make("span", "badge", "draft");
      badge.title = "Not trained and of no measured length; the trained direction takes its place";
      name.append(badge);
    }
    head.append(name, mute, up, down, more, button("✕", "Remove", () => this.tell("remove", { at })));
    item.append(head, ...this.row(line, at));
    if (this.open.has(line.file)) item.append(this.more(line, at, data.regions));
    item.addEventListener("pointerenter", () => this.choose(at));
    return item;
  }

  toggle(file) {
    if (!this.open.delete(file)) this.open.add(file);
    this.lines(this.data);
  }

  // A slider is chosen as soon as the pointer comes near, so that its frames are there in time.
  choose(at) {
    if (this.drag || this.data.selected === at) return;
    if (this.queue.some((event) => event.do !== "frames")) return;
    if (this.root.activeElement?.matches?.(".value")) return;
    this.tell("select", { at });
  }

  row(line, at) {
    const row = make("div", "row");
    const slider = new Slider(line, at, this);
    const value = make("input", "value");
    value.type = "text";
    value.inputMode = "decimal";
    value.value = line.strength.toFixed(2);
    value.title = "The strength: 0 is the image as it was, 1 as was asked for, −1 the other way";
    value.setAttribute("aria-label", `Strength of ${line.name}`);
    value.addEventListener("change", () => {
      const to = numberIn(value.value);
      if (Number.isFinite(to)) this.tell("strength", { at, to });
      else value.value = slider.value.toFixed(2);
    });
    value.addEventListener("keydown", (event) => {
      const by = { ArrowUp: NUDGE, ArrowDown: -NUDGE }[event.key];
      if (!by) return;
      event.preventDefault();
      slider.nudge(by);
      value.value = slider.value.toFixed(2);
    });
    const [low, high] = line.good.map((end) => signed(end));
    const warning = make("div", "warning", `beyond its range, ${low} to ${high}: the image may break`);
    slider.box.addEventListener("strength", () => {
      if (this.root.activeElement !== value) value.value = slider.value.toFixed(2);
      warning.hidden = slider.value >= line.good[0] - 0.005 && slider.value <= line.good[1] + 0.005;
    });
    slider.set(line.strength);
    this.sliders.push(slider);
    row.append(slider.box, value);
    return [row, warning];
  }

  more(line, at, regions) {
    const box = make("div", "more");
    const layers = make("div", "chips");
    layers.append(what("layers", "Where in the generator it acts: the first layers shape, the last ones colour"));
    const every = [...Array(line.count).keys()];
    const chosen = new Set(line.layers ?? every);
    const all = button("all", "All layers", () => this.tell("layers", { at, to: null }), "chip");
    all.classList.toggle("on", line.layers === null);
    layers.append(all);
    for (const layer of every) {
      const chip = button(String(layer), `Layer ${layer}`, () => {
        // From "all", the first tap picks one layer; later taps add and take away.
        const next = line.layers === null ? new Set([layer]) : new Set(chosen);
        if (line.layers !== null && !next.delete(layer)) next.add(layer);
        this.tell("layers", { at, to: next.size ? [...next] : null });
      }, "chip");
      chip.classList.toggle("on", line.layers !== null && chosen.has(layer));
      chip.classList.toggle("untouched", line.touched.length > 0 && !line.touched.includes(layer));
      layers.append(chip);
    }
    const hard = make("label", "hardrow");
    const tick = make("input");
    tick.type = "checkbox";
    tick.checked = line.hard;
    tick.addEventListener("change", () => this.tell("hard", { at, to: tick.checked }));
    const bounds = line.drawn ? "the drawn mask" : "the region";
    hard.title = "The picture outside is put back as it was; without it, traces may change there";
    hard.append(tick, make("span", "", `hard: keep every pixel outside ${bounds}`));
    const places = make("div", "chips");
    places.append(what("region", "The parts of the image that may change"));
    for (const region of regions) {
      const chip = button(region, `Region ${region}`, () => {
        const next = new Set(line.regions);
        if (!next.delete(region)) next.add(region);
        this.tell("regions", { at, to: [...next] });
      }, "chip");
      chip.classList.toggle("on", line.regions.includes(region));
      places.append(chip);
    }
    if (!line.regions.length) places.append(make("span", "small", "the whole image"));
    box.append(layers, hard, ...(line.drawn ? [] : [places]), this.masks(line, at));
    return box;
  }

  masks(line, at) {
    const row = make("div", "chips");
    row.append(what("mask", "A region that is painted by hand"));
    const draw = line.drawn ? "Edit mask" : "Draw mask";
    const words = "Paint where the edit may change the image";
    row.append(button(draw, words, () => this.tell("brush", { at }), "chip"));
    if (line.drawn) {
      const drop = () => this.tell("mask", { at, to: null });
      row.append(button("Drop mask", "Keep to the region again", drop, "chip"));
      row.append(make("span", "small", "drawn by hand, in place of the region"));
    }
    return row;
  }

  offers(data) {
    const inStack = new Set(data.lines.map((line) => line.file));
    const left = data.offers.filter((offer) => !inStack.has(offer.file));
    this.find(".offers").hidden = left.length === 0;
    const signature = JSON.stringify(left.map((offer) => [offer.file, offer.name, offer.picture.length]));
    if (signature === this.offered) return;
    this.offered = signature;
    const cards = left.map((offer) => {
      const card = button("", `Add ${offer.name}`, () => this.tell("add", { file: offer.file }), "card");
      const image = offer.picture ? make("img") : make("div", "blank");
      if (offer.picture) {
        image.src = offer.picture;
        image.alt = "";
      }
      card.append(image, make("span", "", offer.name));
      return card;
    });
    this.find(".cards").replaceChildren(...cards);
  }

  // --- hands ---

  // The picture follows at once where the frames are there, and as fast as Python can draw otherwise.
  move(at, value) {
    const frames = this.framesOf(at);
    if (frames) {
      Object.assign(this.picture, { frames, strength: value });
      this.picture.soon();
    } else {
      this.follow(at, value);
    }
  }

  settle(at, value) {
    this.drag = null;
    this.latest = null;
    this.tell("strength", { at, to: value });
  }

  listen() {
    const acts = {
      previous: () => this.tell("next", { by: -1 }),
      following: () => this.tell("next", { by: 1 }),
      undo: () => this.tell("undo"),
      redo: () => this.tell("redo"),
      reset: () => this.tell("reset"),
      save: () => {
        if (this.data.photo) this.tell("save photo");
        else this.tell("save", { times: Number(this.find(".times").value) });
      },
      strip: () => this.tell("strip"),
      animation: () => this.tell("animation", { kind: this.find(".kind").value }),
    };
    for (const [what, act] of Object.entries(acts)) {
      this.find(`[data-do="${what}"]`).addEventListener("click", act);
    }
    for (const choice of this.root.querySelectorAll("[data-compare]")) {
      choice.addEventListener("click", () => this.tell("compare", { to: choice.dataset.compare }));
    }
    for (const choice of this.root.querySelectorAll("[data-near]")) {
      choice.addEventListener("click", () => this.tell("near", { to: choice.dataset.near === "true" }));
    }
    this.find('[data-photo="again"]').addEventListener("click", () => this.tell("choose again"));
    this.find('[data-photo="leave"]').addEventListener("click", () => this.tell("leave"));
    const blend = this.find(".blend");
    blend.addEventListener("change", () => this.tell("mixed", { to: blend.checked }));
    this.find(".ask").addEventListener("submit", (event) => {
      event.preventDefault();
      const prompt = this.find(".prompt").value;
      if (prompt.trim() && !this.data?.search?.running) this.tell("find", { prompt });
    });
    const seed = this.find(".seed-box");
    seed.addEventListener("input", () => (this.numbering = true));
    seed.addEventListener("change", () => {
      const to = numberIn(seed.value);
      this.numbering = false;
      seed.value = this.data.seed;
      if (Number.isInteger(to)) this.tell("seed", { to });
    });
    const psi = this.find(".psi-box");
    psi.addEventListener("pointerdown", () => (this.turning = true));
    psi.addEventListener("change", () => (this.turning = false));
    psi.addEventListener("input", () => {
      this.find(".psi-value").textContent = Number(psi.value).toFixed(2);
      clearTimeout(this.psi);
      this.psi = setTimeout(() => this.tell("truncation", { to: Number(psi.value) }), 60);
    });
    this.holds();
    this.splits();
    this.drops();
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys);
    document.addEventListener("keyup", this.keys);
  }

  hold(holding) {
    if (this.picture.holding === holding || !this.picture.exact) return;
    this.picture.holding = holding;
    this.find(".hold").classList.toggle("on", holding);
    this.tags();
    this.picture.draw();
  }

  holds() {
    for (const place of [this.find(".hold"), this.find(".canvas")]) {
      place.addEventListener("pointerdown", () => this.hold(true));
      for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
        place.addEventListener(end, () => this.hold(false));
      }
      place.addEventListener("contextmenu", (event) => event.preventDefault());
    }
  }

  splits() {
    const handle = this.find(".handle");
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.find(".frame").getBoundingClientRect();
      this.picture.split = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      this.tags();
      this.picture.soon();
    });
  }

  drops() {
    const frame = this.find(".frame");
    const hint = this.find(".drophint");
    const read = (file) => {
      if (!file || this.brush.on) return;
      if (file.size > LARGEST) {
        this.notice({ notice: { text: "This file is too large for the editor; photos of any size are edited by: eclipsed edit --photo FILE.", bad: true } });
        return;
      }
      const reader = new FileReader();
      reader.onload = () => {
        const data = reader.result.slice(reader.result.indexOf(",") + 1);
        this.tell("file", { name: file.name, data: reader.result === "data:" ? "" : data });
      };
      reader.readAsDataURL(file);
    };
    frame.addEventListener("dragover", (event) => {
      event.preventDefault();
      hint.hidden = false;
    });
    frame.addEventListener("dragleave", () => (hint.hidden = true));
    frame.addEventListener("drop", (event) => {
      event.preventDefault();
      hint.hidden = true;
      read(event.dataTransfer.files[0]);
    });
    const box = this.find(".file");
    this.find(".open").addEventListener("click", () => box.click());
    box.addEventListener("change", () => {
      read(box.files[0]);
      box.value = "";
    });
  }

  key(event) {
    const target = event.composedPath()[0];
    const typing = target.matches?.("input:not([type=range]):not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && target === this.find(".prompt")) target.blur();
    if (typing || !this.data || !this.here()) return;
    if (this.brush.on) {
      if (event.type !== "keydown") return;
      if (event.key === "Escape") this.brush.close(false);
      else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
        event.preventDefault();
        this.brush.undo();
      }
      return;
    }
    const down = event.type === "keydown";
    const slider = this.sliders[this.data.selected ?? -1];
    const step = NUDGE * (event.shiftKey ? 5 : 1);
    const controlled = event.ctrlKey || event.metaKey;
    let act = null;
    if (event.key === " " && !target.matches?.("button")) {
      event.preventDefault();
      this.hold(down);
    } else if (controlled && event.key.toLowerCase() === "z") {
      act = () => this.tell(event.shiftKey ? "redo" : "undo");
    } else if (controlled && event.key.toLowerCase() === "y") act = () => this.tell("redo");
    else if (controlled || event.altKey) return;
    else if (event.key === "[") act = () => this.tell("next", { by: -1 });
    else if (event.key === "]") act = () => this.tell("next", { by: 1 });
    else if (event.key === "/") act = () => this.find(".prompt").focus();
    else if (event.key === "?") act = () => this.find(".keys").togglePopover();
    else if (slider && event.key === "ArrowLeft") act = () => slider.nudge(-step);
    else if (slider && event.key === "ArrowRight") act = () => slider.nudge(step);
    else if (slider && target === slider.box) {
      const to = slider.jump(event.key);
      if (to !== undefined) act = () => slider.nudge(to - slider.value);
    }
    if (act && down) {
      event.preventDefault();
      act();
    }
  }

  // Whoever comes to an empty stack wants to type, where no finger has to bring up keys.
  greet() {
    const idle = !document.activeElement || document.activeElement === document.body;
    const keys = matchMedia("(hover: hover)").matches;
    if (keys && idle && !this.data.lines.length) this.find(".prompt").focus({ preventScroll: true });
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener("keydown", this.keys);
    document.removeEventListener("keyup", this.keys);
  }
}

// A signed slider: the way from 0 is filled. −1, 0 and 1 lie at the same places on every one,
// whatever its ends are.
class Slider {
  constructor(line, at, editor) {
    Object.assign(this, { at, editor, low: line.low, high: line.high, value: line.strength });
    this.knots = [...(this.low < -1 ? [[this.low, 0]] : []), ...MARKS, ...(this.high > 1 ? [[this.high, 100]] : [])];
    this.box = make("div", "slider");
    this.box.tabIndex = 0;
    this.box.dataset.at = at;
    this.box.setAttribute("role", "slider");
    this.box.setAttribute("aria-label", line.name);
    this.box.setAttribute("aria-valuemin", this.low);
    this.box.setAttribute("aria-valuemax", this.high);
    const track = make("div", "track");
    const piece = (name, from, to) => {
      const made = make("div", name);
      made.style.left = `${this.along(from)}%`;
      made.style.width = `${Math.max(0, this.along(to) - this.along(from))}%`;
      track.append(made);
    };
    piece("way", this.low, this.high);
    for (const [mark, place] of MARKS) {
      const tick = make("div", "mark");
      tick.style.left = `${place}%`;
      tick.append(make("span", "", ["−1", "0", "+1"][mark + 1]));
      track.append(tick);
    }
    // Beyond its card's range the image may no longer look like the generator's own.
    piece("beyond", this.low, line.good[0]);
    piece("beyond", line.good[1], this.high);
    this.part = make("div", "part");
    this.thumb = make("div", "thumb");
    track.append(this.part, this.thumb);
    this.box.append(track);
    this.box.title = "0: as it was · +1: as was asked for · −1: the other way";
    this.box.addEventListener("pointerdown", (event) => this.down(event));
    this.box.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.box.addEventListener(end, () => this.up());
    }
    this.box.addEventListener("dblclick", () => this.nudge(-this.value));
  }

  // The piece of the slider that holds a number, which is a strength (0) or a place (1).
  between(number, kind) {
    const last = this.knots.length - 1;
    const next = this.knots.findIndex((knot, i) => i > 0 && (knot[kind] >= number || i === last));
    const [from, to] = [this.knots[next - 1], this.knots[next]];
    const share = Math.min(1, Math.max(0, (number - from[kind]) / (to[kind] - from[kind])));
    return from[1 - kind] + share * (to[1 - kind] - from[1 - kind]);
  }

  along(value) {
    return this.between(value, 0);
  }

  // Where a key leads from here: to an end, or to the next mark.
  jump(key) {
    const stops = [...new Set([this.low, -1, 0, 1, this.high])];
    return {
      Home: this.low,
      End: this.high,
      PageUp: stops.find((stop) => stop > this.value + 1e-6),
      PageDown: stops.findLast((stop) => stop < this.value - 1e-6),
    }[key];
  }

  set(value) {
    this.value = Math.min(this.high, Math.max(this.low, value));
    const here = this.along(this.value);
    const zero = Math.min(100, Math.max(0, this.along(0)));
    this.thumb.style.left = `${here}%`;
    this.part.style.left = `${Math.min(here, zero)}%`;
    this.part.style.width = `${Math.abs(here - zero)}%`;
    this.box.setAttribute("aria-valuenow", this.value.toFixed(2));
    this.box.setAttribute("aria-valuetext", signed(this.value));
    this.box.dispatchEvent(new Event("strength"));
  }

  down(event) {
    if (event.button !== 0) return;
    this.box.setPointerCapture(event.pointerId);
    this.editor.drag = this;
    this.box.focus({ preventScroll: true });
    if (this.editor.data.selected !== this.at) this.editor.tell("select", { at: this.at });
    this.moved(event);
  }

  moved(event) {
    if (this.editor.drag !== this) return;
    const box = this.box.getBoundingClientRect();
    const place = (100 * (event.clientX - box.left - 9)) / (box.width - 18);
    // 0 and the units are easy to hit.
    const mark = MARKS.find((one) => Math.abs(one[1] - place) < 1.2);
    this.set(mark ? mark[0] : this.between(place, 1));
    this.editor.move(this.at, this.value);
  }

  up() {
    if (this.editor.drag === this) {
      this.editor.settle(this.at, Math.round(this.value * 1000) / 1000);
    }
  }

  nudge(by) {
    const next = Math.round((this.value + by) * 100) / 100;
    this.set(next);
    this.editor.move(this.at, this.value);
    this.editor.follow(this.at, this.value);
  }
}

const editors = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!data) return undefined;
  const host = parentElement.querySelector(".editor");
  const send = (events) => setTriggerValue("events", events);
  let editor = editors.get(host);
  if (!editor) {
    editor = new Editor(parentElement, send);
    editors.set(host, editor);
  }
  editor.show(data, send);
  return () => {
    if (!host.isConnected) {
      editor.close();
      editors.delete(host);
    }
  };
}
