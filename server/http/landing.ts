import type { Socket } from 'node:net'

/** Another page in the viewer's place: plain HTML without a script, its style among the sources of the policy. */
export type PlainPage = { status: number; html: string; styleSources: string }
/** Where the browser shall go instead, relative to `/`; may hold a secret. */
export type Redirection = { location: string }

/**
 * What `/` answers before the viewer's page does.
 * @returns `null`: the viewer's page it is
 */
export type Entrance = (query: URLSearchParams, socket: Socket) => Promise<PlainPage | Redirection | null>
