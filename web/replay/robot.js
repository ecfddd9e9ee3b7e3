// One robot: its shapes, the path behind it, the name above it. Everything hangs under one group that
// is moved into the robot's lane.
import * as THREE from 'three';

import {colourAt, momentOf} from './data.js';

const LABEL = 0.037;

function shape(geom) {
  const [a, b, c] = geom.size;
  switch (geom.type) {
    case 'sphere': return new THREE.SphereGeometry(a, 24, 16);
    case 'capsule': return new THREE.CapsuleGeometry(a, 2 * b, 6, 14).rotateX(Math.PI / 2);
    case 'cylinder': return new THREE.CylinderGeometry(a, a, 2 * b, 20).rotateX(Math.PI / 2);
    case 'ellipsoid': return new THREE.SphereGeometry(1, 24, 16).scale(a, b, c);
    default: return new THREE.BoxGeometry(2 * a, 2 * b, 2 * c);
  }
}

// Text on a small board that always faces the camera.
export function makeLabel(text, colour, ink) {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const font = '600 44px system-ui, sans-serif';
  context.font = font;
  const width = Math.ceil(context.measureText(text).width) + 48;
  canvas.width = width;
  canvas.height = 72;
  context.font = font;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(0, 0, width, 72, 20);
  context.fill();
  context.fillStyle = ink;
  context.textBaseline = 'middle';
  context.fillText(text, 24, 38);
  const map = new THREE.CanvasTexture(canvas);
  map.colorSpace = THREE.SRGBColorSpace;
  const sprite = new THREE.Sprite(new THREE.SpriteMaterial({map, depthTest: false, fog: false, sizeAttenuation: false}));
  // A share of the picture's height, however far away.
  sprite.scale.set(width / 72 * LABEL, LABEL, 1);
  sprite.renderOrder = 10;
  return sprite;
}

function dispose(object) {
  object.material.map?.dispose();
  object.material.dispose();
  object.geometry?.dispose();
}

export class Robot {
  constructor(data, robot) {
    this.data = data;
    this.robot = robot;
    this.group = new THREE.Group();
    this.material = new THREE.MeshStandardMaterial({roughness: 0.55, metalness: 0.05});
    this.bodies = Array.from({length: data.n_bodies}, () => new THREE.Group());
    for (const body of this.bodies) this.group.add(body);
    for (const geom of data.geoms) this.addGeom(geom);
    this.addPath();
    this.ring = new THREE.Mesh(new THREE.RingGeometry(0.62, 0.72, 48),
      new THREE.MeshBasicMaterial({transparent: true, opacity: 0.9, side: THREE.DoubleSide}));
    this.ring.position.z = 0.012;
    this.group.add(this.ring);
    this.place = new THREE.Vector3();
    this.q = [new THREE.Quaternion(), new THREE.Quaternion()];
    this.over = null;
  }

  addGeom(geom) {
    if (geom.type === 'plane') return;  // the stage has a floor of its own
    const mesh = new THREE.Mesh(shape(geom), this.material);
    mesh.position.fromArray(geom.pos);
    mesh.quaternion.set(geom.quat[1], geom.quat[2], geom.quat[3], geom.quat[0]);
    mesh.castShadow = true;
    this.bodies[geom.body].add(mesh);
  }

  // Where the body has been, on the floor; drawn up to now.
  addPath() {
    const {pos, steps} = this.robot;
    const points = new Float32Array(steps * 3);
    for (let t = 0; t < steps; t++) {
      const at = (t * this.data.n_bodies + this.data.main_body) * 3;
      points.set([pos[at], pos[at + 1], 0.015], 3 * t);
    }
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(points, 3));
    this.path = new THREE.Line(geometry, new THREE.LineBasicMaterial({transparent: true, opacity: 0.75}));
    this.path.frustumCulled = false;
    this.group.add(this.path);
  }

  dress(colour, ink) {
    this.colour = colour;
    this.ink = ink;
    this.path.material.color.set(colour);
    this.ring.material.color.set(colour);
    this.name(this.over ?? false);
  }

  name(over) {
    if (this.label) {
      this.group.remove(this.label);
      dispose(this.label);
    }
    const seconds = ((this.robot.steps - 1) * this.data.dt).toFixed(1);
    const text = over ? `\u2715 ${this.robot.label}, ${seconds} s` : this.robot.label;
    this.label = makeLabel(text, over ? '#55595f' : this.colour, over ? '#ffffff' : this.ink);
    this.group.add(this.label);
    this.over = over;
  }

  // Interpolated between control steps: 20 states a second would stutter.
  show(time) {
    const {robot, data} = this;
    const {step, fraction, now, over} = momentOf(robot, time, data.dt);
    const next = Math.min(step + 1, robot.steps - 1);
    for (let b = 0; b < data.n_bodies; b++) {
      const i = step * data.n_bodies + b, j = next * data.n_bodies + b;
      const body = this.bodies[b], p = robot.pos;
      body.position.set(...[0, 1, 2].map((k) => p[3 * i + k] + fraction * (p[3 * j + k] - p[3 * i + k])));
      const [a, c] = this.q;
      a.set(robot.quat[4 * i + 1], robot.quat[4 * i + 2], robot.quat[4 * i + 3], robot.quat[4 * i]).normalize();
      c.set(robot.quat[4 * j + 1], robot.quat[4 * j + 2], robot.quat[4 * j + 3], robot.quat[4 * j]).normalize();
      body.quaternion.slerpQuaternions(a, c, fraction);
    }
    const main = this.bodies[data.main_body].position;
    this.ring.position.set(main.x, main.y, 0.012);
    if (over !== this.over) this.name(over);
    this.label.position.set(main.x, main.y, Math.max(main.z, 0) + 0.95);
    this.path.geometry.setDrawRange(0, step + 2);
    const rgb = colourAt(robot.distance[now] / data.q95).map((v) => v / 255);
    this.material.color.setRGB(...rgb, THREE.SRGBColorSpace);
    this.material.transparent = over;
    this.material.opacity = over ? 0.6 : 1;
    this.ring.material.opacity = over ? 0.35 : 0.9;
    this.place.copy(main).add(this.group.position);
  }
}
