// Resumable uploads: tus-js-client (vendored), fetched only when something is uploaded.
import { ApiError } from "./api.js";

let library = null;

function tus() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/assets/vendor/tus.min.js";
    script.onload = () => resolve(window.tus);
    script.onerror = () => {
      library = null;
      script.remove();
      reject(new Error("The uploader could not be loaded. Check your connection and try again."));
    };
    document.head.append(script);
  });
  return library;
}

// A piece that breaks off is sent again: small ones on slow lines.
const piece = () => (/2g|3g/.test(navigator.connection?.effectiveType ?? "") ? 512 : 4096) * 1024;

/// Uploads `file`; resolves to the recording's id. An upload of the same file that broke off goes on where it stopped.
/// progress(0..1), waiting(true) while the connection is gone. signal: stops; what has arrived is forgotten unless its
/// reason is "left". `about`: what else is told of it.
export async function upload(file, { progress, waiting, signal, about = {} }) {
  const { Upload } = await tus();
  return new Promise((resolve, reject) => {
    let over = false;
    const task = new Upload(file, {
      endpoint: "/api/v1/uploads",
      chunkSize: piece(),
      retryDelays: [0, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 60000],
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, filetype: file.type, ...about },
      onProgress: (sent, total) => {
        waiting(false);
        progress(total ? sent / total : 0);
      },
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const again = status === 0 || status >= 500 || status === 409 || status === 423;
        if (again) waiting(true);
        return again;
      },
      onSuccess: () => {
        over = true;
        resolve(task.url.split("/").pop());
      },
      onError: (error) => {
        over = true;
        reject(reason(error));
      },
    });
    const stop = () => {
      if (!over) task.abort(signal.reason !== "left").catch(() => {});
      reject(new DOMException("stopped", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
    task.findPreviousUploads().then((previous) => {
      if (signal.aborted) return;
      if (previous.length) task.resumeFromPreviousUpload(previous[0]);
      task.start();
    });
  });
}

function reason(error) {
  try {
    const { code, detail } = JSON.parse(error.originalResponse.getBody());
    return new ApiError(error.originalResponse.getStatus(), code, detail);
  } catch {
    return new Error("The upload broke off. Check your connection and try again; what has arrived is kept.");
  }
}
