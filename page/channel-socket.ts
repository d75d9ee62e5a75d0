import { CHANNEL_LIMITS } from '../protocol/channel.ts'

/** How one connection went: `code` is the WebSocket's close code, 1006 when it broke; `error` what could not be read. */
export type SocketEnd = { code: number; error?: unknown }

export type SocketHandlers = {
  /** The connection stands: say hello now. */
  opened(send: (frames: readonly Uint8Array[]) => void): void
  frame(bytes: Uint8Array): void
}

/** A proxy that is going to let a WebSocket through has done so by then; others may never answer. */
const OPEN_TIMEOUT_MS = 4_000
/** Two missed pings: the other end is gone, whatever the operating system still believes. */
const SILENCE_MS = 2 * CHANNEL_LIMITS.pingIntervalMs + 5_000

/** One WebSocket from open to end. Resolves when it has ended, rejects only when the signal aborts. */
export function runSocket(url: string, handlers: SocketHandlers, signal: AbortSignal): Promise<SocketEnd> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const opened = openSocket(url)
    if (opened === null) return resolve({ code: 1006 })
    const socket = opened
    socket.binaryType = 'arraybuffer'
    let timer = setTimeout(finish, OPEN_TIMEOUT_MS, 1006)
    const stop = () => finish(1000)
    signal.addEventListener('abort', stop, { once: true })
    socket.onopen = () => {
      handlers.opened((frames) => {
        for (const frame of frames) socket.send(frame as Uint8Array<ArrayBuffer>) // never over a SharedArrayBuffer
      })
    }
    socket.onmessage = (event: MessageEvent<unknown>) => {
      clearTimeout(timer)
      timer = setTimeout(finish, SILENCE_MS, 1006)
      // Text is not ours; a message that cannot be read ends the connection, a new one starts clean.
      if (!(event.data instanceof ArrayBuffer)) return
      try {
        handlers.frame(new Uint8Array(event.data))
      } catch (error) {
        finish(1006, error)
      }
    }
    socket.onclose = (event) => finish(event.code)

    function finish(code: number, error?: unknown): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close()
      if (signal.aborted) reject(signal.reason)
      else resolve({ code, error })
    }
  })
}

/** `null` where a policy of the browser or of the page around us forbids it. */
function openSocket(url: string): WebSocket | null {
  try {
    return new WebSocket(url)
  } catch (error) {
    if (error instanceof DOMException || error instanceof ReferenceError || error instanceof TypeError) return null
    throw error
  }
}
