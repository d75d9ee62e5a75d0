import type { Duplex } from 'node:stream'
import { ERROR_STATUS, type ErrorCode } from '../../protocol/errors.ts'
import { errorBody } from './error-reply.ts'
import { DATA_HEADERS } from './headers.ts'

// An import would load Node's own WebSocket with all behind it, at each start: 50 ms for a table of texts.
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** Refuse on the bare socket, where no framework is yet: a broken request, an upgrade. The bytes are constant per code. */
export function refuseSocket(socket: Duplex, code: ErrorCode): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const status = ERROR_STATUS[code]
  const body = JSON.stringify(errorBody(code))
  const headers = {
    ...DATA_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'))
}
