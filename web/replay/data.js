// What the page carries for the replay: where each body of each robot is at every control step, and
// how far its state is from the demonstrations. Arrays are base64 of little-endian numbers.

function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out.buffer;
}

function readRobot(robot, nBodies) {
  const steps = robot.steps;
  const read = {
    ...robot,
    pos: new Float32Array(bytes(robot.pos)),
    quat: new Int16Array(bytes(robot.quat)),
    distance: new Float32Array(bytes(robot.distance)),
    speed: new Float32Array(bytes(robot.speed)),
    soFar: new Float32Array(bytes(robot.so_far)),
  };
  if (read.pos.length !== steps * nBodies * 3 || read.quat.length !== steps * nBodies * 4 ||
      read.distance.length !== steps)
    throw new Error(`replay of ${robot.label}: arrays do not fit ${steps} steps`);
  return read;
}

export function readReplay(text) {
  const data = JSON.parse(text);
  data.robots = data.robots.map((r) => readRobot(r, data.n_bodies));
  data.steps = Math.max(...data.robots.map((r) => r.steps));
  data.duration = (data.steps - 1) * data.dt;
  return data;
}

// The state that a robot shows at a time: the steps around it, and how far on the way.
export function momentOf(robot, time, dt) {
  const at = Math.min(Math.max(time / dt, 0), robot.steps - 1);
  const step = Math.min(Math.floor(at), Math.max(robot.steps - 2, 0));
  return {step, fraction: robot.steps > 1 ? at - step : 0, now: Math.min(Math.round(at), robot.steps - 1),
    over: robot.ended && time / dt >= robot.steps - 1};
}

// From blue, as near to the demonstrations as the expert is, to red, three times as far as the expert
// gets in 19 states of 20. Told apart by readers who see red and green alike.
export const scale = [
  [0, [43, 115, 178]], [1, [110, 176, 214]], [1.5, [246, 222, 130]], [2.2, [238, 134, 54]],
  [3, [190, 24, 44]],
];

export function colourAt(ratio) {
  if (!Number.isFinite(ratio)) return [128, 128, 128];
  for (let i = 1; i < scale.length; i++) {
    const [to, b] = scale[i];
    const [from, a] = scale[i - 1];
    if (ratio > to) continue;
    const f = Math.max(0, (ratio - from) / (to - from));
    return a.map((v, k) => v + f * (b[k] - v));
  }
  return scale[scale.length - 1][1];
}

export const css = (rgb) => `rgb(${rgb.map(Math.round).join(' ')})`;
