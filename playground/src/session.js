// Who is signed in, and the one line that the bar tells the visitor. A store outside React, because
// the fetcher writes it too.
//
// The browser keeps the tokens in cookies that no script can read; here is only whose they are and
// until when, for the bar and for renewing them in time. Where such cookies cannot be (plain HTTP
// beyond localhost), and for a token that was pasted, the token is kept in this page's memory alone.
import { useSyncExternalStore } from "react";

const KEY = "mooring.session";
const NOBODY = { login: null, expiresAt: null, token: null, refreshToken: null };
const COOKIES = new URL("auth/session", document.baseURI);
const REFRESH = new URL("auth/session/refresh", document.baseURI);
// What shows the server that our own page asks: app/auth/browsers.py.
export const OWN_PAGE = { "X-Mooring-CSRF": "1" };

let state = { ...NOBODY, ...stored(), notice: null };
let timer = null;
let renewSession = null;
const listeners = new Set();

function stored() {
  try {
    const { login, expiresAt } = JSON.parse(localStorage.getItem(KEY));
    return { login, expiresAt };
  } catch {
    return null;
  }
}

function change(next) {
  state = { ...state, ...next };
  const { login, expiresAt, token } = state;
  if (login && !token) localStorage.setItem(KEY, JSON.stringify({ login, expiresAt }));
  else localStorage.removeItem(KEY);
  clearTimeout(timer);
  if (login && (!token || state.refreshToken)) {
    // With a third of the time left, so that a few failures do no harm.
    const left = Date.parse(expiresAt) - Date.now();
    timer = setTimeout(renew, Math.max((left * 2) / 3, 1000));
  }
  for (const listener of listeners) listener();
}

async function asked(url, method, body) {
  const headers = { ...OWN_PAGE, ...(body ? { "Content-Type": "application/json" } : {}) };
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

// Changes a refresh token for cookies; false where the browser keeps none.
async function exchanged({ refreshToken, user }) {
  if (!window.isSecureContext || !refreshToken) return false;
  const answer = await asked(COOKIES, "POST", { refreshToken });
  if (!answer.ok) return false;
  const { expiresAt } = await answer.json();
  if (!(await asked(REFRESH, "POST")).ok) return false;
  change({ ...NOBODY, login: user.login, expiresAt, notice: null });
  return true;
}

async function renew() {
  try {
    if (state.token) {
      await renewSession(state.refreshToken);
      return;
    }
    const answer = await asked(REFRESH, "POST");
    if (answer.ok) {
      const { expiresAt, user } = await answer.json();
      change({ login: user.login, expiresAt });
    } else if (answer.status === 401) {
      session.refused();
    } else {
      throw new Error(answer.statusText);
    }
  } catch {
    clearTimeout(timer);
    timer = setTimeout(renew, 5000);
  }
}

// Nobody is signed in any more. What is asked next, as a new sign-in, waits until the cookies are
// gone: with those of a session that has ended it would be refused.
function end(notice) {
  const cookies = !state.token;
  change({ ...NOBODY, notice });
  if (cookies) session.ready = asked(COOKIES, "DELETE").catch(() => {});
}

export const session = {
  get: () => state,
  // Settled once it is known whether the sign-in of the last visit still holds, or it is gone.
  ready: Promise.resolve(),
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  // How tokens in memory are renewed; the fetcher knows how to ask.
  renewsBy(ask) {
    renewSession = ask;
  },
  // `credentials` as signIn, signUp and refreshSession give them.
  async enter(credentials) {
    if (await exchanged(credentials)) return;
    const { accessToken, refreshToken, expiresAt, user } = credentials;
    const login = user?.login ?? state.login ?? "?";
    const kept = window.isSecureContext ? null : (refreshToken ?? null);
    change({ token: accessToken, refreshToken: kept, login, expiresAt, notice: null });
  },
  leave: () => end(null),
  tell: (notice) => state.notice === notice || change({ notice }),
  refused() {
    const notice = state.login
      ? "Your sign-in has ended (expired or revoked). Press “Sign in”, then run it again."
      : "This needs you to be signed in. Press “Sign in”, then run it again.";
    end(notice);
  },
};

if (state.login) session.ready = renew();

export const useSession = () => useSyncExternalStore(session.subscribe, session.get);
