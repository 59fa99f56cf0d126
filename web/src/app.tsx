/** The shell: who is signed in, which page is open, and the words on every page. */

import { type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { toScoringError } from "../../src/errors.ts";
import { REPORT_NOTICE } from "../../src/scoring/report/legal-notice.ts";
import { parseRoute, type Route } from "./address.ts";
import { api, SIGNED_OUT } from "./api.ts";
import { patiently } from "./patiently.ts";
import { JobsPage } from "./jobs-page.tsx";
import { ComputeProvider, useCompute } from "./compute/compute-session.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import { lazyPage } from "./lazy-page.ts";
import { PAGE_PARTS } from "./page-parts.ts";
import { useRoute } from "./route.ts";
import { Skeleton } from "./parts.tsx";
import { SignIn } from "./sign-in.tsx";
import { ThemeButton } from "./theme.tsx";

const NewJobPage = lazyPage(() => PAGE_PARTS.new().then((part) => part.NewJobPage));
const JobPage = lazyPage(() => PAGE_PARTS.job().then((part) => part.JobPage));
const DesignPage = lazyPage(() => PAGE_PARTS.design().then((part) => part.DesignPage));
const ModelsPage = lazyPage(() => PAGE_PARTS.models().then((part) => part.ModelsPage));
const ReaderPage = lazyPage(() => PAGE_PARTS.review().then((part) => part.ReaderPage));
const SchedulesPage = lazyPage(() => PAGE_PARTS.schedules().then((part) => part.SchedulesPage));
const SchedulePage = lazyPage(() => PAGE_PARTS.schedule().then((part) => part.SchedulePage));
const NewSchedulePage = lazyPage(() => PAGE_PARTS.scheduleForm().then((part) => part.NewSchedulePage));
const EditSchedulePage = lazyPage(() => PAGE_PARTS.scheduleForm().then((part) => part.EditSchedulePage));
const TryPage = lazyPage(() => PAGE_PARTS.try().then((part) => part.TryPage));

/** `icon`: a path in a square of 24. */
const LINKS = [
  { path: "jobs", title: "Jobs", icon: "M4 6h16M4 12h16M4 18h10" },
  { path: "new", title: "New job", icon: "M12 5v14M5 12h14" },
  { path: "schedules", title: "Schedules", icon: "M12 7v5l3 2M12 3a9 9 0 1 0 .1 0" },
  { path: "models", title: "Models", icon: "M5 19V9M12 19V5M19 19v-7" },
  {
    path: "try",
    title: "Try it",
    icon: "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M4 16v3a1 1 0 0 0 1 1h3M16 20h3a1 1 0 0 0 1-1v-3M9 14c2 2 4 2 6 0M9 9h.1M15 9h.1",
  },
] as const;

/** Where the server is the reader's own machine. */
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname);

type Session =
  | { readonly kind: "unknown" | "none" | "refused" | "used-link" }
  | { readonly kind: "signed-in"; readonly key: string };

/** The console. */
export function App(): ReactNode {
  const route = useRoute();
  const [session, setSession] = useSession();
  const page = route.path[0] ?? "jobs";
  const before = route.query.get("before");
  const place = [session.kind === "signed-in" ? "" : "door", ...route.path, before ?? ""].join("/");
  const main = useFocusOnChange(place, session.kind !== "unknown");
  useEffect(() => {
    const title = LINKS.find((link) => link.path === page)?.title ?? "Jobs";
    document.title = `${title} · Countenance`;
  }, [page]);
  return (
    <ComputeProvider signedIn={session.kind === "signed-in"}>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <header className="bar-top">
        <a className="brand" href="#/jobs">
          <Mark /> Countenance
        </a>
        <nav className="nav-main" aria-label="Main">
          {LINKS.map((link) => (
            <a key={link.path} href={`#/${link.path}`} aria-current={link.path === page ? "page" : undefined}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d={link.icon} />
              </svg>
              {link.title}
            </a>
          ))}
        </nav>
        <div className="top-end">
          <ComputeLink path={route.path} />
          <a href="./docs">API</a>
          <ThemeButton />
          {session.kind === "signed-in" && <SignOut of={session.key} done={() => setSession({ kind: "none" })} />}
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <ErrorBoundary key={page}>
          <Suspense fallback={<Skeleton rows={3} words="Loading the page" />}>
            <Page
              route={route}
              page={page}
              session={session}
              signedIn={(key) => setSession({ kind: "signed-in", key })}
            />
          </Suspense>
        </ErrorBoundary>
      </main>
      <footer className="bottom">
        <p>{REPORT_NOTICE.wording}</p>
        <details>
          <summary>Errors and law</summary>
          {[REPORT_NOTICE.error, ...REPORT_NOTICE.law].map((line) => (
            <p key={line}>{line}</p>
          ))}
        </details>
      </footer>
    </ComputeProvider>
  );
}

function SignOut({ of, done }: { readonly of: string; readonly done: () => void }): ReactNode {
  const { stop } = useCompute();
  const leave = async (): Promise<void> => {
    // Chunks go back while the session still lets them.
    stop();
    await api.signOut().finally(done);
  };
  return (
    <button type="button" className="plain" title={`Signed in with the key ${of}`} onClick={() => void leave()}>
      Sign out
    </button>
  );
}

/** Back to the job that this browser scores, from every other page. */
function ComputeLink({ path }: Pick<Route, "path">): ReactNode {
  const { state } = useCompute();
  if (state === null || (state.phase !== "running" && state.phase !== "starting")) return null;
  if (path[0] === "jobs" && path[1] === state.jobId) return null;
  return (
    <a className="computing" href={`#/jobs/${state.jobId}`}>
      Computing …
    </a>
  );
}

function Page(props: {
  readonly route: Route;
  readonly page: string;
  readonly session: Session;
  readonly signedIn: (key: string) => void;
}): ReactNode {
  const { route, page, session } = props;
  // Scoring in the page needs no server, so no key.
  if (page === "try") return <TryPage />;
  if (session.kind === "unknown") return <Skeleton rows={3} words="Loading" />;
  if (page === "design" && isLocal) return <DesignPage />;
  if (session.kind !== "signed-in") return <SignIn signedIn={props.signedIn} why={session.kind} />;
  if (page === "new") return <NewJobPage key={route.query.get("from")} from={route.query.get("from")} />;
  if (page === "models") return <ModelsPage query={route.query} />;
  if (page === "schedules") return <SchedulePages path={route.path} />;
  if (page === "review" && route.path[1] !== undefined) {
    return <ReaderPage key={route.path[1]} id={route.path[1]} reader={route.query.get("reader")} />;
  }
  if (page === "jobs" && route.path[1] !== undefined) {
    return <JobPage key={route.path[1]} id={route.path[1]} query={route.query} />;
  }
  if (page === "jobs") {
    // A page of older jobs starts empty: the previous page's jobs are not its own.
    return <JobsPage key={route.query.get("before")} query={route.query} />;
  }
  return (
    <section className="card">
      <h1>Nothing is here</h1>
      <p>
        The address names no page. <a href="#/jobs">All jobs</a>
      </p>
    </section>
  );
}

/** `#/schedules`, `…/new`, `…/<id>`, `…/<id>/edit`. */
function SchedulePages({ path: [, id, verb] }: Pick<Route, "path">): ReactNode {
  if (id === undefined) return <SchedulesPage />;
  if (id === "new") return <NewSchedulePage />;
  return verb === "edit" ? <EditSchedulePage key={id} id={id} /> : <SchedulePage key={id} id={id} />;
}

/** The code of `#/sign-in?code=…`, as a local server prints it. It leaves the address before anything else. `null` without one. */
function takeLinkCode(): string | null {
  const { path, query } = parseRoute(window.location.hash);
  const code = query.get("code");
  // Elsewhere such a link could sign somebody in as somebody else.
  if (!isLocal || path[0] !== "sign-in" || code === null) return null;
  window.history.replaceState(null, "", "#/jobs");
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  return code;
}

/** Signs in with the code, or goes on with the session that this browser has. */
async function openSession(code: string | null): Promise<Session> {
  const refused = code === null ? "none" : "used-link";
  try {
    if (code !== null) return { kind: "signed-in", key: await api.signIn({ code }) };
  } catch (thrown) {
    if (toScoringError(thrown).code !== "unauthorized") throw thrown;
  }
  try {
    const key = await api.readSession();
    return key === null ? { kind: refused } : { kind: "signed-in", key };
  } catch (thrown) {
    if (toScoringError(thrown).code !== "unauthorized") throw thrown;
    return { kind: refused };
  }
}

function useSession(): [Session, (session: Session) => void] {
  const [session, setSession] = useState<Session>({ kind: "unknown" });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const code = takeLinkCode();
    window.addEventListener(SIGNED_OUT, () => setSession({ kind: "refused" }), { signal });
    patiently(
      () => openSession(code),
      signal,
      () => undefined,
    ).then(setSession, () => {
      if (!signal.aborted) setSession({ kind: "none" });
    });
    return () => controller.abort();
  }, []);
  return [session, setSession];
}

/** Moves the focus to the new page, as a browser does after a link, and after signing in; not to the first page. */
function useFocusOnChange(place: string, isKnown: boolean) {
  const main = useRef<HTMLElement>(null);
  const last = useRef<string | null>(null);
  useEffect(() => {
    if (!isKnown) return;
    const before = last.current;
    last.current = place;
    // What a page focuses itself, such as the field for the key, keeps the focus.
    if (before === null || before === place || main.current?.contains(document.activeElement)) return;
    main.current?.focus();
    window.scrollTo(0, 0);
  }, [place, isKnown]);
  return main;
}

function Mark(): ReactNode {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="mark-back" />
      <path
        d="M9 5.500h-3.500v3.500M23 5.500h3.500v3.500M9 26.500h-3.500v-3.500M23 26.500h3.500v-3.500M11 19c3 3 7 3 10 0"
        className="mark-line"
      />
      <circle cx="12" cy="13" r="1.700" className="mark-dot" />
      <circle cx="20" cy="13" r="1.700" className="mark-dot" />
    </svg>
  );
}
