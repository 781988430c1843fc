// Who is signed in, and the one line that the bar tells the visitor. A store outside React, because
// the fetcher writes it too. The token is kept in sessionStorage: a reload keeps it, closing the
// tab forgets it, and no other tab ever sees it.
import { useSyncExternalStore } from "react";

const KEY = "mooring.session";
const NOBODY = { token: null, login: null, expiresAt: null };

let state = { ...NOBODY, ...stored(), notice: null };
const listeners = new Set();

function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY));
    return found && Date.parse(found.expiresAt) > Date.now() ? found : null;
  } catch {
    return null;
  }
}

function change(next) {
  state = { ...state, ...next };
  const { token, login, expiresAt } = state;
  if (token) sessionStorage.setItem(KEY, JSON.stringify({ token, login, expiresAt }));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export const session = {
  get: () => state,
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  // `credentials` as signIn and signUp give them.
  enter({ accessToken, expiresAt, user }) {
    const login = user?.login ?? state.login ?? "?";
    change({ token: accessToken, login, expiresAt, notice: null });
  },
  leave: () => change({ ...NOBODY, notice: null }),
  tell: (notice) => state.notice === notice || change({ notice }),
  refused() {
    const notice = state.token
      ? "Your sign-in has ended (expired or revoked). Press “Sign in”, then run it again."
      : "This needs you to be signed in. Press “Sign in”, then run it again.";
    change({ ...NOBODY, notice });
  },
};

export const useSession = () => useSyncExternalStore(session.subscribe, session.get);
