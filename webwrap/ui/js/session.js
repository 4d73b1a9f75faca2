// Who is here and how the service is set up.
import { ApiError, get, post } from "./api.js";

export const session = { config: null, account: null };
const listeners = new Set();
export const onSession = (listener) => listeners.add(listener);
const changed = () => listeners.forEach((listener) => listener());

// The cookie is not readable from here; this only saves visitors without a session the question.
const HINT = "voxconv.signed-in";

export const isMember = () => session.account?.kind === "member";

/// Where a page's ?next= leads: to pages of this app only.
export const ownPath = (next, otherwise) => (next && /^\/app\/[\w/?=&.%-]*$/.test(next) ? next : otherwise);

/// An address of this service by the page's own host where the service was told no other: at home it is reached by
/// several names.
export function reachable(address) {
  const { pathname, search } = new URL(address);
  return session.config.public_url ? address : location.origin + pathname + search;
}

export function setAccount(account) {
  session.account = account;
  try {
    if (account) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // Storage may be blocked: the session still works in this tab.
  }
  changed();
}

function hinted() {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return true;
  }
}

export async function loadSession() {
  const config = get("/config");
  if (hinted()) await refreshAccount();
  session.config = await config;
  changed();
}

/// Fetches the account anew, e.g. after credits moved.
export async function refreshAccount() {
  try {
    setAccount(await get("/account"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) setAccount(null);
    else if (!session.account) throw error;
  }
}

/// Makes a guest account for who has none.
export async function ensureAccount() {
  if (!session.account) setAccount(await post("/guests"));
  return session.account;
}
