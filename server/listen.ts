import type { FastifyInstance } from 'fastify'
import { ownerOfPort } from './port-owner.ts'

/** The address of this machine alone: other machines come by a proxy or a tunnel, which end here. */
const HOST = '127.0.0.1'
/** How many ports after the preferred one are tried before any free one is taken. */
const NEXT_PORTS = 50
const HIGHEST_PORT = 65_535

/** The one port that would do is held by somebody else. */
export class PortTakenError extends Error {
  readonly port: number
  /** @param owner the process that holds it, where the system says */
  constructor(port: number, owner: string | null, options: { cause: unknown }) {
    const holder = owner ?? 'another program'
    super(`Port ${port} was asked for, but ${holder} listens on it. Name another port, or none.`, options)
    this.name = 'PortTakenError'
    this.port = port
  }
}

/**
 * Listen on the preferred port, else on the next free one.
 * @returns the port
 * @throws PortTakenError when the port is fixed and taken
 */
export async function listen(app: FastifyInstance, preferred: number, isFixed: boolean): Promise<number> {
  // Fastify turns its plugins on at the first attempt and cannot listen again after one that failed; the bare server can.
  await app.ready()
  const last = isFixed || preferred === 0 ? preferred : Math.min(preferred + NEXT_PORTS, HIGHEST_PORT)
  for (let port = preferred; port <= last; port++) {
    try {
      return await listenOn(app, port)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (isFixed) throw new PortTakenError(port, await ownerOfPort(port), { cause: error })
    }
  }
  return listenOn(app, 0)
}

function listenOn({ server }: FastifyInstance, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: HOST, exclusive: true }, () => {
      server.removeListener('error', reject)
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error('The server has no port.'))
    })
  })
}

/** Also a port below 1024, which only the system may open. */
function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === 'EADDRINUSE' || code === 'EACCES'
}
