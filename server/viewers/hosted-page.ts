import type { HostedState } from '../../protocol/hosted.ts'

export type HostedReport = HostedState & { isShown: boolean; pagesServed: number }

/** What a viewer knows of the hosted page that shows it. */
export interface HostedPage {
  /** The user may have had enough of it, and wants the embedded page. */
  readonly isWanted: boolean
  /** Opens the dataset's reads, events and session bundles of this viewer, and nothing else; ends with it. */
  readonly capability: string
  admits(key: string): boolean
  /** The kernel asks for a session: one upload under this name is taken. */
  awaitSession(requestId: string): void
  report(): HostedReport
  close(): Promise<void>
}
