import { ROUTES } from '../../protocol/urls.ts'

/** What one connection of a flood says: once, and then again and again. */
type Flood = { count: number; first: string; drip: string | null; dripMs: number }

const HOST = 'Host: 127.0.0.1\r\n'
const WRONG_TOKEN = JSON.stringify({ viewerId: '0'.repeat(16), viewerToken: '0'.repeat(64) })
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'

export const FLOODS = {
  'slow headers': () => ({ count: 600, first: `GET / HTTP/1.1\r\n${HOST}X: `, drip: 'x', dripMs: 500 }),
  'idle sockets': () => ({ count: 2_000, first: '', drip: null, dripMs: 0 }),
  'wrong tokens': (viewerId) => {
    const body = WRONG_TOKEN.replace('0'.repeat(16), viewerId)
    const head = `POST /${ROUTES.key} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${body.length}`
    return { count: 600, first: `${head}\r\n\r\n${body}`, drip: `${head}\r\n\r\n${body}`, dripMs: 2_000 }
  },
  'idle channels': (query) => ({
    count: 200,
    first: `GET /${ROUTES.channel}?${query} HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`,
    drip: null,
    dripMs: 0,
  }),
} satisfies Record<string, (query: string) => Flood>
export type FloodKind = keyof typeof FLOODS
