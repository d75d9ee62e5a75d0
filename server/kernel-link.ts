import type { ServerCall } from '../protocol/pipe.ts'
import type { NotifyOptions } from './pipe.ts'

/** What the server says unasked; `source.read` is a question and goes another way. */
export type Notification = Exclude<ServerCall, { method: 'source.read' }>

/** The server's way to the kernel that started it. */
export interface KernelLink {
  /** Resolves when the message has left this process. */
  notify(message: Notification, body?: Uint8Array, options?: NotifyOptions): Promise<void>
}
