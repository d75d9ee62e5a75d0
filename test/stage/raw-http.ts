import { connect } from 'node:net'
import { expect } from 'vitest'
import { missingHeaders } from './app-stage.ts'

export type RawAnswer = { status: number; headers: Record<string, string>; body: string }

/**
 * Send bytes as they are and read until the server closes; no client library mends them first.
 * @param endsAfterMs end the sending side so long after the bytes: what was begun stays a beginning
 * @returns `null` when the server closed without a word
 */
export function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  { endsAfterMs }: { endsAfterMs?: number } = {},
): Promise<RawAnswer | null> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const chunks: Buffer[] = []
    socket.setTimeout(10_000, () => socket.destroy(new Error('The server kept the connection open.')))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // An accepted upgrade stays open.
      if (Buffer.concat(chunks).toString('latin1').startsWith('HTTP/1.1 101')) socket.end()
    })
    // A reset tells no more than a close: what was heard before it counts.
    socket.once('error', (error) => (chunks.length === 0 && endsAfterMs === undefined ? reject(error) : undefined))
    socket.once('close', () => resolve(parseAnswer(Buffer.concat(chunks).toString('latin1'))))
    socket.write(bytes)
    if (endsAfterMs !== undefined) setTimeout(() => socket.end(), endsAfterMs)
  })
}

/** One request, its connection closed behind it. Whatever the answer, it carries the headers of every answer. */
export async function requestRaw(
  port: number,
  request: { method?: string; target: string; headers: readonly (readonly [string, string])[]; version?: string },
): Promise<RawAnswer> {
  const { method = 'GET', target, headers, version = 'HTTP/1.1' } = request
  const isUpgrade = headers.some(([name]) => name.toLowerCase() === 'upgrade')
  const lines = [...headers, ...(isUpgrade ? [] : [['Connection', 'close'] as const])].map(([k, v]) => `${k}: ${v}`)
  const answer = await sendRaw(port, `${[`${method} ${target} ${version}`, ...lines].join('\r\n')}\r\n\r\n`)
  if (answer === null) throw new Error(`No answer to ${method} ${target}`)
  if (answer.status !== 101) expect(missingHeaders(answer.headers), `${method} ${target} ${answer.status}`).toEqual([])
  return answer
}

/** What makes a request an upgrade. */
export const UPGRADE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
] as const

function parseAnswer(text: string): RawAnswer | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(headers), body: text.slice(end + 4) }
}
