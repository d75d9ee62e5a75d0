import type { FromPage, ToPage } from '../../protocol/page-link.ts'
import type { Tunnel } from '../kernel/tunnel.ts'

/**
 * Carry the requests of one page over the tunnel.
 * @returns what to hand the page's messages to
 */
export function servePage(
  tunnel: Tunnel,
  send: (message: ToPage, transfer?: Transferable[]) => void,
): (message: Extract<FromPage, { kind: 'fetch' | 'abort' }>) => void {
  const running = new Map<number, AbortController>()
  return (message) => {
    if (message.kind === 'abort') {
      running.get(message.id)?.abort()
      return
    }
    const { kind: _kind, id, ...request } = message
    const stop = new AbortController()
    running.set(id, stop)
    void tunnel
      .fetch(request, stop.signal)
      .then(
        ({ status, headers, body }) =>
          send({ kind: 'response', id, status, headers, body }, [body.buffer as ArrayBuffer]), // a copy of our own
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : 'The request was given up'
          if (!stop.signal.aborted) send({ kind: 'fetchFailed', id, reason })
        },
      )
      .finally(() => running.delete(id))
  }
}
