// Records from the microphone, without the processing that calls need and singing suffers from.

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const NAMES = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

const REASONS = {
  NotAllowedError:
    "The browser may not use the microphone. Allow it in the address bar or in the settings of your phone, " +
    "then press record again.",
  NotFoundError: "There is no microphone. Plug one in, or upload a file instead.",
  NotReadableError: "Another program holds the microphone. Close it, then press record again.",
};

/// Opens the microphone; throws an Error with a sentence.
export async function microphone() {
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? "The microphone could not be opened. Try again, or upload a file instead.");
  }
}

export class Recorder {
  /// level(peak 0..1, seconds) is called about 20 times a second; ended(why) when it stopped by itself: at `longest`
  /// seconds, or, with a sentence, because the microphone went away.
  constructor({ level, ended, longest }) {
    Object.assign(this, { level, ended, longest });
  }

  async start() {
    this.stream = await microphone();
    try {
      await this.open();
    } catch {
      this.close();
      throw new Error("The microphone could not be opened. Try again, or upload a file instead.");
    }
  }

  async open() {
    this.context = new AudioContext();
    await this.context.resume();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 2048;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const type = TYPES.find((candidate) => MediaRecorder.isTypeSupported(candidate));
    this.recorder = new MediaRecorder(this.stream, { mimeType: type, audioBitsPerSecond: 192000 });
    this.pieces = [];
    this.recorder.ondataavailable = (event) => this.pieces.push(event.data);
    // Without stop(), too: a call, an unplugged headset, a permission taken back.
    this.stopped = new Promise((resolve) => {
      this.recorder.onstop = resolve;
      this.recorder.onerror = () => setTimeout(resolve, 1000); // the last piece and the stop come after it
    });
    this.stopped.then(() => this.ended("The microphone went away, so the recording stopped."));
    this.recorder.start(1000);
    this.awake = navigator.wakeLock?.request("screen").catch(() => {}); // phones that go to sleep stop recording
    const started = performance.now();
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const seconds = (performance.now() - started) / 1000;
      this.level(
        samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
        seconds,
      );
      if (seconds >= this.longest) this.ended();
    }, 50);
  }

  /// Resolves to the take, a File.
  async stop() {
    clearInterval(this.timer);
    if (this.recorder.state !== "inactive") {
      this.recorder.stop();
      await this.stopped;
    }
    this.close();
    const type = this.recorder.mimeType.split(";")[0];
    const now = new Date();
    const stamp = `${now.toLocaleDateString("sv")} ${now.toLocaleTimeString("sv").slice(0, 5).replace(":", ".")}`;
    return new File(this.pieces, `Recording ${stamp}.${NAMES[type] ?? "webm"}`, { type });
  }

  close() {
    clearInterval(this.timer);
    this.awake?.then((lock) => lock?.release()).catch(() => {});
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close().catch(() => {});
  }
}
