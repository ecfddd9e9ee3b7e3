// The stage: floor, light, camera. The camera follows a robot, or all that still run, and can be turned
// around what it follows at any time.
import * as THREE from 'three';
import {OrbitControls} from 'three/examples/jsm/controls/OrbitControls.js';

const TILE = 2;  // m after which the floor repeats
const MARK = 10;  // m between marks
const MARKS = 9;

function tiles(a, b) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const context = canvas.getContext('2d');
  context.fillStyle = a;
  context.fillRect(0, 0, 64, 64);
  context.fillStyle = b;
  context.fillRect(0, 0, 32, 32);
  context.fillRect(32, 32, 32, 32);
  const texture = new THREE.CanvasTexture(canvas);
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.repeat.set(400 / TILE, 400 / TILE);
  texture.anisotropy = 8;
  texture.colorSpace = THREE.SRGBColorSpace;
  return texture;
}

function markTexture(text, ink) {
  const canvas = document.createElement('canvas');
  canvas.width = 256;
  canvas.height = 96;
  const context = canvas.getContext('2d');
  context.font = '600 64px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = ink;
  context.fillText(text, 128, 50);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  return texture;
}

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({canvas, antialias: true, powerPreference: 'low-power'});
    this.renderer.shadowMap.enabled = true;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(42, 1, 0.1, 160);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, canvas);
    Object.assign(this.controls, {enableDamping: false, minDistance: 1.5, maxDistance: 60,
      maxPolarAngle: 1.53, enablePan: false});
    canvas.style.touchAction = 'pan-y';  // on a phone one finger up or down goes on scrolling the page
    this.target = new THREE.Vector3();
    this.spread = 0;
    this.buildFloor();
    this.buildLight();
  }

  buildFloor() {
    this.floor = new THREE.Mesh(new THREE.PlaneGeometry(400, 400), new THREE.MeshStandardMaterial({roughness: 0.95}));
    this.floor.receiveShadow = true;
    this.scene.add(this.floor);
    this.marks = Array.from({length: MARKS}, () => {
      const line = new THREE.Mesh(new THREE.PlaneGeometry(0.05, 40), new THREE.MeshBasicMaterial({transparent: true, opacity: 0.5}));
      const text = new THREE.Mesh(new THREE.PlaneGeometry(1.9, 0.7), new THREE.MeshBasicMaterial({transparent: true}));
      for (const part of [line, text]) this.scene.add(part);
      return {line, text, at: NaN};
    });
  }

  buildLight() {
    this.ambient = new THREE.HemisphereLight(0xffffff, 0x8090a0, 1.7);
    this.sun = new THREE.DirectionalLight(0xffffff, 2.1);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    const eye = this.sun.shadow.camera;
    Object.assign(eye, {left: -12, right: 12, top: 12, bottom: -12, near: 1, far: 40});
    this.scene.add(this.ambient, this.sun, this.sun.target);
  }

  dress(theme) {
    this.theme = theme;
    this.scene.background = new THREE.Color(theme.sky);
    this.scene.fog = new THREE.Fog(theme.sky, 22, 85);
    this.floor.material.map?.dispose();
    this.floor.material.map = tiles(...theme.tiles);
    this.floor.material.needsUpdate = true;
    this.ambient.intensity = theme.ambient;
    for (const mark of this.marks) {
      mark.at = NaN;
      mark.line.material.color.set(theme.ink);
    }
  }

  frame(distance, x, y) {
    this.target.set(x, y, 0.6);
    this.controls.target.copy(this.target);
    this.camera.position.set(x - 0.62 * distance, y - 0.9 * distance, 0.6 + 0.5 * distance);
    this.controls.update();
  }

  // Look at a point, the view turned and zoomed as the reader left it. spread (m): step back for a
  // group, come near for one. ease: share of the way in this picture.
  follow(x, y, spread, ease) {
    const from = this.target.clone();
    this.target.x += ease * (x - this.target.x);
    this.target.y += ease * (y - this.target.y);
    this.camera.position.add(this.target).sub(from);
    const wanted = this.spread + ease * (spread - this.spread);
    const zoom = (9 + wanted) / (9 + this.spread);
    this.camera.position.sub(this.target).multiplyScalar(zoom).add(this.target);
    this.spread = wanted;
    this.controls.target.copy(this.target);
    this.controls.update();
  }

  moveAlong() {
    const {x, y} = this.target;
    this.floor.position.set(TILE * Math.round(x / TILE), TILE * Math.round(y / TILE), 0);
    this.sun.position.set(x + 5, y + 7, 18);
    this.sun.target.position.set(x, y, 0);
    const first = Math.round(x / MARK) - Math.floor(MARKS / 2);
    for (let i = 0; i < MARKS; i++) {
      const metres = (first + i) * MARK;
      const mark = this.marks[(((first + i) % MARKS) + MARKS) % MARKS];
      if (mark.at === metres) continue;
      mark.at = metres;
      mark.line.position.set(metres, this.laneMiddle, 0.008);
      mark.text.position.set(metres + 1.1, this.laneLow, 0.01);
      mark.text.material.map?.dispose();
      mark.text.material.map = markTexture(`${metres} m`, this.theme.ink);
      mark.text.material.needsUpdate = true;
    }
  }

  lanes(low, high) {
    this.laneLow = low - 1.4;
    this.laneMiddle = (low + high) / 2;
    for (const mark of this.marks) mark.at = NaN;
  }

  resize() {
    const {clientWidth: w, clientHeight: h} = this.canvas;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (!w || !h) return;
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(w, h, false);
    this.camera.aspect = w / h;
    // A narrow picture shows as much sideways as a broad one.
    this.camera.fov = w / h < 1.2 ? 56 : 42;
    this.camera.updateProjectionMatrix();
  }

  draw() {
    this.moveAlong();
    this.renderer.render(this.scene, this.camera);
  }
}
