// The curve under the timeline: each robot's distance to the demonstrations against time, with a cursor
// that moves along. Also a timeline itself: press or drag to go there.

const LEFT = 44, RIGHT = 14, TOP = 12, BOTTOM = 26;
const SMOOTH_S = 0.4;

function smoothed(values, half) {
  const out = new Float32Array(values.length);
  let sum = 0, n = 0, lo = 0, hi = 0;
  for (let i = 0; i < values.length; i++) {
    while (hi < Math.min(values.length, i + half + 1)) { sum += values[hi++]; n++; }
    while (lo < i - half) { sum -= values[lo++]; n--; }
    out[i] = sum / n;
  }
  return out;
}

const ticks125 = (lo, hi) => [0.01, 0.1, 1, 10, 100, 1000, 1e4].flatMap((p) => [p, 2 * p, 5 * p])
  .filter((v) => v >= lo * 0.999 && v <= hi * 1.001);

export class Chart {
  constructor(canvas, data, onSeek) {
    this.canvas = canvas;
    this.data = data;
    this.duration = Math.max(data.duration, data.dt);
    const half = Math.round(SMOOTH_S / data.dt / 2);
    this.curves = data.robots.map((r) => smoothed(r.distance, half));
    const all = data.robots.flatMap((r) => Array.from(r.distance)).filter((v) => v > 0);
    // Nothing to show is one decade about the expert's own distance.
    this.lo = Math.max(all.reduce((m, v) => Math.min(m, v * 0.95), data.q95 / 2), data.q95 / 20) || 0.1;
    this.hi = all.reduce((m, v) => Math.max(m, v * 1.05), data.q95 * 3) || 1;
    this.backdrop = document.createElement('canvas');
    const seek = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
      onSeek(Math.min(Math.max(share, 0), 1) * data.duration);
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) seek(event);
    });
  }

  x(time) { return LEFT + (this.w - LEFT - RIGHT) * time / this.duration; }
  y(value) {
    const share = Math.log(Math.max(value, this.lo) / this.lo) / Math.log(this.hi / this.lo);
    return this.h - BOTTOM - share * (this.h - TOP - BOTTOM);
  }

  resize() {
    this.w = this.canvas.clientWidth;
    this.h = this.canvas.clientHeight;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const c of [this.canvas, this.backdrop]) {
      c.width = Math.round(this.w * this.ratio);
      c.height = Math.round(this.h * this.ratio);
    }
    if (this.theme) this.drawBackdrop();
  }

  dress(theme, colours, shown) {
    Object.assign(this, {theme, colours, shown});
    if (this.w) this.drawBackdrop();
  }

  drawAxes(g) {
    const {theme} = this;
    g.font = '12px system-ui, sans-serif';
    g.fillStyle = theme.muted;
    g.strokeStyle = theme.grid;
    g.lineWidth = 1;
    g.textBaseline = 'middle';
    g.textAlign = 'right';
    for (const v of ticks125(this.lo, this.hi)) {
      const y = Math.round(this.y(v)) + 0.5;
      g.beginPath();
      g.moveTo(LEFT, y);
      g.lineTo(this.w - RIGHT, y);
      g.stroke();
      g.fillText(String(v), LEFT - 7, y);
    }
    const step = [0.5, 1, 2, 5, 10, 20, 50, 100].find((s) => this.duration / s <= this.w / 60) || 200;
    g.textBaseline = 'top';
    g.textAlign = 'center';
    for (let t = 0; t <= this.duration + 1e-9; t += step)
      g.fillText(`${t} s`, Math.min(this.x(t), this.w - 18), this.h - BOTTOM + 8);
  }

  drawUsual(g) {
    const y = this.y(this.data.q95), {theme} = this;
    g.strokeStyle = theme.muted;
    g.setLineDash([5, 4]);
    g.beginPath();
    g.moveTo(LEFT, y);
    g.lineTo(this.w - RIGHT, y);
    g.stroke();
    g.setLineDash([]);
  }

  drawBackdrop() {
    const g = this.backdrop.getContext('2d');
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.w, this.h);
    this.drawAxes(g);
    this.drawUsual(g);
    g.lineJoin = 'round';
    this.curves.forEach((curve, i) => {
      if (!this.shown[i]) return;
      const trace = (values, width, alpha) => {
        g.globalAlpha = alpha;
        g.lineWidth = width;
        g.beginPath();
        values.forEach((v, t) => g.lineTo(this.x(t * this.data.dt), this.y(v)));
        g.stroke();
      };
      g.strokeStyle = this.colours[i];
      trace(this.data.robots[i].distance, 1, 0.28);
      trace(curve, 2.2, 1);
      const robot = this.data.robots[i];
      if (!robot.ended) return;
      g.lineWidth = 2.6;
      const x = this.x((robot.steps - 1) * this.data.dt), y = this.y(curve[robot.steps - 1]);
      g.beginPath();
      for (const s of [-1, 1]) {
        g.moveTo(x - 5, y - 5 * s);
        g.lineTo(x + 5, y + 5 * s);
      }
      g.stroke();
    });
    g.globalAlpha = 1;
  }

  draw(time) {
    const g = this.canvas.getContext('2d');
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    g.drawImage(this.backdrop, 0, 0);
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const x = this.x(Math.min(time, this.duration));
    g.strokeStyle = this.theme.text;
    g.lineWidth = 1.5;
    g.beginPath();
    g.moveTo(x, TOP - 6);
    g.lineTo(x, this.h - BOTTOM);
    g.stroke();
    this.curves.forEach((curve, i) => {
      const robot = this.data.robots[i];
      if (!this.shown[i]) return;
      const at = Math.min(Math.round(time / this.data.dt), robot.steps - 1);
      g.fillStyle = this.colours[i];
      g.beginPath();
      g.arc(this.x(at * this.data.dt), this.y(curve[at]), 4.2, 0, 7);
      g.fill();
    });
  }
}

export const chartInsets = {left: LEFT, right: RIGHT};
