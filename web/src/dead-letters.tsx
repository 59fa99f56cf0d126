/** Messages that the queue gave up on, with a button that sends each again; nothing while there are none. */

import { type ReactNode, useState } from "react";
import { createDeadLettersApi } from "../../src/client/dead-letters-api.ts";
import type { ScoringError } from "../../src/errors.ts";
import type { DeadLetterView } from "../../src/scoring/job/dead-letter.ts";
import { formatCount, formatTime } from "../../src/scoring/report/report-format.ts";
import { api, noteSignedOut, useLoad } from "./api.ts";
import { Failure } from "./parts.tsx";

const letters = createDeadLettersApi(api);
/** Letters that the page has room for; the command line lists all. */
const MAX_SHOWN = 20;
const EVERY_MS = 10_000;
const loadLetters = (signal: AbortSignal) => letters.list(MAX_SHOWN, signal);

/** A card above the list of jobs. */
export function DeadLetters(): ReactNode {
  // Whoever may not see them, or cannot just now, sees the jobs below all the same.
  const { value, reload } = useLoad(loadLetters, () => EVERY_MS);
  const [failure, setFailure] = useState<ScoringError | null>(null);
  if (value === null || value.total === 0) return null;
  const send = (id: string): void => {
    setFailure(null);
    letters.send(id).then(reload, (thrown: unknown) => setFailure(noteSignedOut(thrown)));
  };
  const { deadLetters, total } = value;
  return (
    <details className="card dead-letters">
      <summary>
        {total === 1 ? "1 message died in the queue" : `${formatCount(total)} messages died in the queue`}
      </summary>
      <p className="quiet">
        Consumers failed at this work again and again. Jobs find lost work by themselves; "Send again" does not wait for
        that, and does no harm.
      </p>
      {failure !== null && <Failure error={failure} once />}
      <ul>
        {deadLetters.map((letter) => (
          <li key={letter.id}>
            <Letter letter={letter} send={() => send(letter.id)} />
          </li>
        ))}
      </ul>
      {total > deadLetters.length && (
        <p className="quiet">
          The newest {MAX_SHOWN}; <code>countenance dead-letters list</code> shows all.
        </p>
      )}
    </details>
  );
}

function Letter({ letter, send }: { readonly letter: DeadLetterView; readonly send: () => void }): ReactNode {
  const { jobId, work, part, deaths, lastAt, sentAt } = letter;
  return (
    <>
      <a href={`#/jobs/${jobId}`}>
        {work} {part}
      </a>{" "}
      died {deaths === 1 ? "once" : `${formatCount(deaths)} times`}, last {formatTime(lastAt)}{" "}
      {sentAt === null ? (
        <button type="button" onClick={send}>
          Send again
        </button>
      ) : (
        <span className="quiet">sent again {formatTime(sentAt)}</span>
      )}
    </>
  );
}
