import type { ServerCall } from '../../protocol/pipe.ts'

/** What the server says unasked; `source.read` is a question, and goes another way with its `source.cancel`. */
export type Notification = Exclude<ServerCall, { method: 'source.read' | 'source.cancel' }>

export type NotifyOptions = {
  /** A message that still waits under the same name is replaced by this one, in its place. */
  replaces?: string
  /** It may wait behind all that is not bulk. */
  isBulk?: boolean
}

/** The server's way to the kernel that started it. */
export interface KernelLink {
  /** Resolves when the message has left this process. */
  notify(message: Notification, body?: Uint8Array, options?: NotifyOptions): Promise<void>
}
