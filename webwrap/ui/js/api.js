// Talks to the service. Every failure is an ApiError whose message is one sentence for people.

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const OFFLINE = "No connection to voxconv. Check your network; nothing is lost, just try again.";

async function send(method, path, body, headers = {}, signal = undefined) {
  const options = { method, headers: { Accept: "application/json", ...headers }, signal, credentials: "same-origin" };
  if (body instanceof Blob) {
    options.body = body;
    options.headers["Content-Type"] = body.type || "application/octet-stream";
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(`/api/v1${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "offline", OFFLINE);
  }
}

/// "password: it is too short." is for programs, which want the field's name; people see the field.
const sentence = (detail) => {
  const words = detail.replace(/^[a-z_]+: /, "");
  return words[0].toUpperCase() + words.slice(1);
};

async function read(response) {
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // Not ours (a proxy's page): the status says enough.
  }
  if (response.ok) return body;
  throw new ApiError(
    response.status,
    body?.code ?? "unknown",
    body?.detail
      ? sentence(body.detail)
      : `The service answered with an error (${response.status}). Please try again in a moment.`,
  );
}

const call = async (method, path, body, headers, signal) => read(await send(method, path, body, headers, signal));

export const get = (path, signal) => call("GET", path, undefined, {}, signal);
export const post = (path, body = {}, headers = {}) => call("POST", path, body, headers);
export const put = (path, body) => call("PUT", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const del = (path, body) => call("DELETE", path, body);

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(new DOMException("stopped", "AbortError"))), {
      once: true,
    });
  });

/// Whether nothing more becomes of a job.
export const over = (job) => ["done", "failed", "cancelled"].includes(job.state);

/// Asks for `path` until `finished(body)`; `onchange(body)` hears of every change. Unchanged answers cost nothing
/// (ETag); a lost connection is waited out, `onerror` hears of it.
export async function poll(path, { finished = over, onchange, onerror, signal, every = 1000 }) {
  let etag = null;
  let body = null;
  for (;;) {
    try {
      const response = await send("GET", path, undefined, etag ? { "If-None-Match": etag } : {}, signal);
      if (response.status !== 304) {
        body = await read(response);
        etag = response.headers.get("ETag");
        onchange?.(body);
      }
      if (finished(body)) return body;
    } catch (error) {
      if (error.status !== 0 && !(error.status >= 500)) throw error;
      onerror?.(error);
      await pause(3000, signal);
    }
    await pause(document.hidden ? every * 4 : every, signal);
  }
}
