import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** Passes TCP connections on, byte by byte. */
export type Relay = {
  port: number
  /** How many connections came. */
  readonly connections: number
  /** All that came in from outside so far; empty unless it records. */
  received(): Buffer
  stop(): Promise<void>
}

/**
 * @param target where to: a port on loopback, or a socket in the file system
 * @param options.port where it listens on 127.0.0.1; any free one by default
 * @param options.records keep what comes in
 */
export async function startRelay(
  target: NetConnectOpts,
  { port = 0, records = false }: { port?: number; records?: boolean } = {},
): Promise<Relay> {
  const open = new Set<Socket>()
  const chunks: Buffer[] = []
  let connections = 0
  const server = createServer((outer) => {
    connections++
    const inner = connect(target)
    if (records) outer.on('data', (chunk: Buffer) => chunks.push(chunk))
    outer.pipe(inner).pipe(outer)
    for (const [socket, other] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy()) // a refused or cut connection looks the same on the other side
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(port, '127.0.0.1', listening)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    port: address.port,
    get connections() {
      return connections
    },
    received: () => Buffer.concat(chunks),
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}
