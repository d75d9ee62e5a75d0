import { connect, type Socket } from 'node:net'
import { FLOODS, type FloodKind } from './flood-kinds.ts'

/**
 * Another user's program that keeps many connections to a port of this machine, and opens another for each that is closed.
 * `node flooder.ts PORT KIND [query of a channel]`: a line `standing` once all were opened; ends when stdin does.
 */
const [port = '', kind = '', query = ''] = process.argv.slice(2)
/** Bounded: a machine's every processor can be kept busy by whoever has an account on it. */
const REOPEN_MS = 1_000

const { count, first, drip, dripMs } = FLOODS[kind as FloodKind](query) // as its starter names it
let opened = 0

function open(): void {
  const socket: Socket = connect({ port: Number(port), host: '127.0.0.1' })
  const timer = drip === null ? undefined : setInterval(() => socket.write(drip), dripMs)
  socket.once('connect', () => {
    socket.write(first)
    if (++opened === count) process.stdout.write('standing\n')
  })
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  socket.once('close', () => {
    clearInterval(timer)
    setTimeout(open, REOPEN_MS * (0.5 + Math.random()))
  })
}

for (let i = 0; i < count; i++) open()
process.stdin.resume().once('end', () => process.exit(0))
