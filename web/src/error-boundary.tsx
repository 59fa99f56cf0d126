/** Replaces a page that broke: without it, React would remove the whole console. */

import { Component, type ReactNode } from "react";

/** Shows its children until one of them throws. A page's own file may be gone: after a new version was deployed, or offline. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly detail: string | null }> {
  override state: { readonly detail: string | null } = { detail: null };

  static getDerivedStateFromError(thrown: unknown): { readonly detail: string } {
    return { detail: thrown instanceof Error ? thrown.message : String(thrown) };
  }

  override render(): ReactNode {
    if (this.state.detail === null) return this.props.children;
    return (
      <section className="card" role="alert">
        <h1>This page broke</h1>
        <p>
          The network may be away, or the console may have a newer version. Jobs go on at the server whatever this page
          does.
        </p>
        <p className="quiet">{this.state.detail}</p>
        <button type="button" className="primary" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </section>
    );
  }
}
