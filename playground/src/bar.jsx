// The bar above the editor: who is signed in, what to do when that is needed, and the dialog.
import { useRef, useState } from "react";
import { post } from "./fetcher.js";
import { session, useSession } from "./session.js";

const CREDENTIALS = "credentials { accessToken refreshToken expiresAt user { login } }";
const SIGN_IN = `mutation SignIn($input: SignInInput!) { signIn(input: $input) { ${CREDENTIALS} } }`;
const SIGN_UP = `mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { ${CREDENTIALS} errors { field message } }
}`;

// What is wrong, in the server's words; null when it worked.
async function enter(query, input) {
  const { data, errors } = await post({ query, variables: { input } });
  const payload = data?.signIn ?? data?.signUp;
  const wrong = [
    ...(errors ?? []).map((error) => error.message),
    ...(payload?.errors ?? []).map((error) => `${error.field.join(".")}: ${error.message}`),
  ];
  return wrong.length ? wrong.join(" ") : null;
}

async function enterByToken(token) {
  const headers = { Authorization: `Bearer ${token}` };
  const { data, errors } = await post({ query: "{ me { login } }" }, headers);
  if (!data?.me) return errors?.[0]?.message ?? "The token was refused. Sign in by name instead.";
  await session.enter({ accessToken: token, expiresAt: expiry(token), user: data.me });
  return null;
}

// A token that says when it ends (a JWT) is believed; of any other the server will tell.
function expiry(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return new Date(JSON.parse(atob(claims)).exp * 1000).toISOString();
  } catch {
    return new Date(Date.now() + 86_400_000).toISOString();
  }
}

function SignIn({ dialog }) {
  const [wrong, setWrong] = useState(null);
  const [busy, setBusy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const { login, password, token } = Object.fromEntries(new FormData(event.target));
    const how = event.nativeEvent.submitter?.value;
    const input = { login: login.trim(), password };
    setBusy(true);
    try {
      const found = token.trim()
        ? await enterByToken(token.trim())
        : await enter(how === "sign-up" ? SIGN_UP : SIGN_IN, input);
      setWrong(found);
      if (found === null) {
        event.target.reset();
        dialog.current.close();
      }
    } catch (error) {
      setWrong(error.message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <dialog ref={dialog} className="sign-in" aria-labelledby="sign-in-title" onClose={() => setWrong(null)}>
      <form onSubmit={submit}>
        <h2 id="sign-in-title">Sign in</h2>
        <p>
          Started by <code>mooring dev</code>? Its terminal shows a ready-made sign-in. Or choose a
          login and a password of at least 10 characters, and sign up.
        </p>
        <label>
          Login
          <input name="login" autoComplete="username" autoCapitalize="none" spellCheck="false" autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" />
        </label>
        <details>
          <summary>I have a token</summary>
          <label>
            Token
            <input name="token" autoComplete="off" spellCheck="false" />
          </label>
        </details>
        {wrong && (
          <p className="wrong" role="alert">
            {wrong}
          </p>
        )}
        <div className="buttons">
          <button type="button" className="plain" onClick={() => dialog.current.close()}>
            Cancel
          </button>
          <button type="submit" value="sign-up" className="plain" disabled={busy}>
            Sign up
          </button>
          <button type="submit" value="sign-in" disabled={busy}>
            Sign in
          </button>
        </div>
      </form>
    </dialog>
  );
}

export function Bar() {
  const { login, notice } = useSession();
  const dialog = useRef(null);

  return (
    <header className="bar">
      <a className="brand" href="./">
        Mooring
      </a>
      <p className="notice" role="status">
        {notice}
      </p>
      {login ? (
        <span className="who">
          <span>
            Signed in as <b>{login}</b>
          </span>
          <button type="button" className="plain" onClick={session.leave}>
            Sign out
          </button>
        </span>
      ) : (
        <button type="button" onClick={() => dialog.current.showModal()}>
          Sign in
        </button>
      )}
      <SignIn dialog={dialog} />
    </header>
  );
}
