/** Signing in with an API key, once a day. */

import { type FormEvent, type ReactNode, useState } from "react";
import { toScoringError } from "../../src/errors.ts";
import { api } from "./api.ts";
import { takeFocus } from "./parts.tsx";

const LOCAL_KEY = "local-development-key";

/**
 * The key goes to the server once; the browser then holds a cookie that no script can read.
 * @param props.why a session was there and is refused now, or a link was followed that works no more
 */
export function SignIn(props: { readonly signedIn: (key: string) => void; readonly why: string }): ReactNode {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setProblem(null);
    api.signIn(key).then(props.signedIn, (error: unknown) => setProblem(toScoringError(error).detail));
  };
  return (
    <section className="card sign-in">
      <h1>Sign in</h1>
      {props.why === "refused" && (
        <p className="alert" role="alert">
          <strong>You were signed out:</strong> the key was removed or ran out, or a day has passed. Jobs go on at the
          server; after signing in, this page does too.
        </p>
      )}
      {props.why === "used-link" && (
        <p className="alert" role="alert">
          <strong>This link works no more:</strong> it signs in once, within an hour of the server’s start. The key
          still does.
        </p>
      )}
      {props.why === "none" && (
        <p className="quiet">Faces in object storage to labels of apparent facial expression, with their statistics.</p>
      )}
      <form onSubmit={submit}>
        <label className="field">
          <span className="name">API key</span>
          <input
            type="password"
            autoComplete="current-password"
            value={key}
            // The page has nothing else to do.
            ref={takeFocus}
            aria-invalid={problem !== null}
            aria-describedby={problem === null ? undefined : "key-problem"}
            onChange={(event) => setKey(event.target.value)}
            required
          />
        </label>
        {problem !== null && (
          <p id="key-problem" className="finding" role="alert">
            {problem}
          </p>
        )}
        <div className="row">
          <button type="submit" className="primary">
            Sign in
          </button>
          {isLocal && (
            <button type="button" onClick={() => setKey(LOCAL_KEY)}>
              Fill in the local key
            </button>
          )}
        </div>
      </form>
      <p className="quiet">
        No key at hand? <a href="#/try">Try it here</a>: pictures are scored in this browser and never leave it.
      </p>
    </section>
  );
}
