// Runs where sound is processed (an AudioWorklet): hands what the microphone gives to the page, with the frame of the
// context's clock at which each piece begins.

const PIECE = 2048; // frames

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.filled = 0;
  }

  process([input]) {
    const frames = input[0]?.length ?? 128; // nothing is connected: silence, so that the clock goes on
    if (this.filled === 0) this.frame = currentFrame;
    for (let i = 0; i < frames; ++i) {
      let sum = 0;
      for (const channel of input) sum += channel[i];
      this.piece[this.filled + i] = input.length ? sum / input.length : 0;
    }
    this.filled += frames;
    if (this.filled >= PIECE) {
      this.port.postMessage({ frame: this.frame, samples: this.piece }, [this.piece.buffer]);
      this.piece = new Float32Array(PIECE);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("capture", Capture);
