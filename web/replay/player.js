// Time: played, paused, sought, sped up. Knows nothing of what is drawn.

export class Player {
  constructor(duration, onTime, onState) {
    Object.assign(this, {duration, onTime, onState, time: 0, speed: 1, playing: false, last: 0});
    this.tick = this.tick.bind(this);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.playing) return;
    if (this.time >= this.duration) this.time = 0;
    this.playing = true;
    this.last = performance.now();
    this.onState();
    requestAnimationFrame(this.tick);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.onState();
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.duration);
    this.onTime(0);
    this.onState();
  }

  tick(now) {
    if (!this.playing) return;
    // A tab that slept does not leap ahead.
    const passed = Math.min((now - this.last) / 1000, 0.25);
    this.last = now;
    this.time = Math.min(this.time + passed * this.speed, this.duration);
    this.onTime(passed);
    if (this.time >= this.duration) this.pause();
    else requestAnimationFrame(this.tick);
  }
}
