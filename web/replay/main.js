// The replay: robots of several policies that start from one seed, in lanes or one over the other,
// coloured by how far each is from what was demonstrated. Puts stage, robots, chart and player together
// and connects them to the page's controls (replay.html).
import {Chart, chartInsets} from './chart.js';
import {colourAt, css, momentOf, readReplay, scale} from './data.js';
import {Player} from './player.js';
import {Robot} from './robot.js';
import {Stage} from './stage.js';

const LANE = 3;  // m
const PACK = 12;  // m behind the first, within which a robot is among those in front
const find = (id) => document.getElementById(`replay-${id}`);
// Without "-0.0".
const number = (v, digits) => (Number(v.toFixed(digits)) + 0).toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});

class Replay {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.shown = data.robots.map((r) => r.shown);
    this.player = new Player(data.duration, (passed) => this.show(passed), () => this.state());
    this.chart = new Chart(find('chart'), data, (time) => this.player.seek(time));
    this.buildStage();
    this.buildLegend();
    this.buildControls();
    this.dress();
    this.resize();
    new ResizeObserver(() => this.resize()).observe(root);
    document.addEventListener('themechange', () => { this.dress(); this.show(0); });
  }

  buildStage() {
    try {
      this.stage = new Stage(find('canvas'));
    } catch (error) {
      this.root.classList.add('no-webgl');
      find('no-webgl').hidden = false;
      return;
    }
    this.robots = this.data.robots.map((r) => new Robot(this.data, r));
    for (const robot of this.robots) this.stage.scene.add(robot.group);
    this.layLanes(true);
    this.stage.frame(7.5, 0.5, 0);
    this.stage.controls.addEventListener('change', () => { if (!this.player.playing) this.stage.draw(); });
  }

  layLanes(apart) {
    const n = this.data.robots.length;
    const y = (i) => apart ? ((n - 1) / 2 - i) * LANE : 0;
    this.robots?.forEach((robot, i) => { robot.group.position.y = y(i); });
    this.stage?.lanes(y(n - 1), y(0));
  }

  colours() {
    const style = getComputedStyle(this.root);
    return this.data.robots.map((r) => style.getPropertyValue(`--policy-${r.colour}`).trim());
  }

  dress() {
    const style = getComputedStyle(this.root);
    const at = (name) => style.getPropertyValue(`--${name}`).trim();
    const colours = this.colours();
    this.stage?.dress({sky: at('sky'), tiles: [at('tile-a'), at('tile-b')], ink: at('floor-ink'), ambient: Number(at('ambient'))});
    this.robots?.forEach((robot, i) => robot.dress(colours[i], at('policy-ink')));
    this.chart.dress({muted: at('muted'), grid: at('line'), text: at('text')}, colours, this.shown);
  }

  buildLegend() {
    this.rows = this.data.robots.map((r, i) => {
      const row = document.createElement('li');
      const box = Object.assign(document.createElement('input'), {type: 'checkbox', checked: this.shown[i], id: `replay-robot-${i}`});
      const label = Object.assign(document.createElement('label'), {htmlFor: box.id, textContent: r.label});
      const swatch = Object.assign(document.createElement('span'), {className: 'swatch'});
      const state = Object.assign(document.createElement('span'), {className: 'state'});
      const gauge = Object.assign(document.createElement('span'), {className: 'gauge'});
      swatch.style.background = `var(--policy-${r.colour})`;
      row.append(box, swatch, label, state, gauge);
      box.addEventListener('change', () => {
        this.shown[i] = box.checked;
        this.dress();
        this.show(0);
      });
      find('legend').append(row);
      return {row, state, gauge};
    });
    const stops = scale.map(([r, rgb]) => `${css(rgb)} ${r / 3 * 100}%`).join(', ');
    find('scale').style.background = `linear-gradient(to right, ${stops})`;
  }

  buildControls() {
    const {player, data} = this;
    const range = find('time');
    range.max = data.steps - 1;
    range.style.marginLeft = `${chartInsets.left - 8}px`;
    range.style.width = `calc(100% - ${chartInsets.left + chartInsets.right - 16}px)`;
    range.addEventListener('input', () => player.seek(range.value * data.dt));
    find('play').addEventListener('click', () => player.toggle());
    find('restart').addEventListener('click', () => player.seek(0));
    find('speed').addEventListener('change', (event) => { player.speed = Number(event.target.value); });
    find('lanes').addEventListener('change', (event) => {
      this.layLanes(event.target.checked);
      this.show(0);
    });
    const ends = data.robots.filter((r) => r.ended).map((r) => (r.steps - 1) * data.dt);
    find('fall').hidden = ends.length === 0;
    find('fall').addEventListener('click', () => {
      player.seek(Math.max(0, Math.min(...ends) - 2));
      player.play();
    });
    const follow = find('follow');
    data.robots.forEach((r, i) => follow.append(new Option(r.label, String(i))));
    follow.addEventListener('change', () => this.show(0, 1));
    this.root.addEventListener('keydown', (event) => this.key(event));
  }

  // Keys work on the picture and the chart; controls keep their own.
  key(event) {
    if (event.target !== find('canvas') && event.target !== find('chart')) return;
    const {player, data} = this;
    const actions = {
      ' ': () => player.toggle(), 'k': () => player.toggle(),
      'ArrowLeft': () => player.seek(player.time - (event.shiftKey ? 1 : data.dt)),
      'ArrowRight': () => player.seek(player.time + (event.shiftKey ? 1 : data.dt)),
      'Home': () => player.seek(0), 'End': () => player.seek(data.duration),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  // What the camera looks at: a robot, or the middle of those in front; who is left behind or has ended
  // is left to the legend.
  followed(time) {
    const choice = find('follow').value;
    if (choice === 'free') return null;
    if (choice !== 'front') {
      const {place} = this.robots[Number(choice)];
      return {x: place.x, y: place.y, spread: -3};
    }
    const visible = this.robots.filter((r, i) => this.shown[i]);
    const running = visible.filter((r) => !momentOf(r.robot, time, this.data.dt).over);
    const seen = running.length ? running : visible;
    if (!seen.length) return null;
    const first = Math.max(...seen.map((r) => r.place.x));
    const near = seen.filter((r) => first - r.place.x < PACK);
    const xs = near.map((r) => r.place.x), ys = (near.length > 1 ? near : visible).map((r) => r.place.y);
    const mid = (v) => (Math.min(...v) + Math.max(...v)) / 2;
    return {x: mid(xs), y: mid(ys), spread: (first - Math.min(...xs)) * 0.6};
  }

  show(passed, jump) {
    const {time} = this.player;
    this.robots?.forEach((robot, i) => {
      robot.group.visible = this.shown[i];
      robot.show(time);
    });
    if (this.stage) {
      const at = this.followed(time);
      // Played, the camera glides; sought, it is there.
      const ease = jump || passed === 0 ? 1 : 1 - Math.exp(-passed * this.player.speed * 6);
      if (at) this.stage.follow(at.x, at.y, at.spread, ease);
      this.stage.draw();
    }
    this.chart.draw(time);
    this.tell(time);
  }

  tell(time) {
    const {data} = this;
    const range = find('time');
    range.value = String(Math.round(time / data.dt));
    range.setAttribute('aria-valuetext', `${number(time, 1)} seconds`);
    find('clock').textContent = `${number(time, 2)} s`;
    data.robots.forEach((r, i) => {
      const {now, over} = momentOf(r, time, data.dt);
      const at = (now * data.n_bodies + data.main_body) * 3;
      const ratio = r.distance[now] / data.q95;
      const words = [`${number(r.pos[at] - r.pos[data.main_body * 3], 1)} m`,
        over ? r.end_text : `${number(r.speed[now], 1)} m/s`, `return ${number(r.soFar[now], 0)}`];
      this.rows[i].state.textContent = words.join(' \u00b7 ');
      this.rows[i].gauge.textContent = Number.isFinite(ratio) ? `${number(ratio, 1)}\u00d7` : '';
      this.rows[i].gauge.style.setProperty('--gauge', css(colourAt(ratio)));
      this.rows[i].row.classList.toggle('over', over);
    });
    this.root.dataset.step = range.value;
  }

  state() {
    const {playing, time} = this.player;
    find('play').textContent = playing ? 'Pause' : 'Play';
    find('play').classList.toggle('playing', playing);
    if (playing) return;
    // Said once it stands still: a reader's voice is not to follow every picture.
    find('status').textContent = `At ${number(time, 1)} seconds: ` + this.data.robots.map((r) => {
      const {now, over} = momentOf(r, time, this.data.dt);
      return `${r.label} ${over ? r.end_text : `runs at ${number(r.speed[now], 1)} metres a second`}, ` +
        `${number(r.distance[now] / this.data.q95, 1)} times the expert's usual distance`;
    }).join('; ') + '.';
  }

  resize() {
    this.stage?.resize();
    this.chart.resize();
    this.show(0);
  }
}

const source = document.getElementById('replay-data');
const root = find('root');
if (source && root) {
  const replay = new Replay(root, readReplay(source.textContent));
  replay.state();
  root.dataset.ready = 'true';
}
