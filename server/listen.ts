import type { FastifyInstance } from 'fastify'
import { ownerOfPort } from './port-owner.ts'

/** The address of this machine alone: other machines come by a proxy or a tunnel, which end here. */
export const LOOPBACK = '127.0.0.1'
/** How many ports after the preferred one are tried before any free one is taken. */
const NEXT_PORTS = 50
const HIGHEST_PORT = 65_535

/** The one port that would do is held by somebody else. */
export class PortTakenError extends Error {
  readonly port: number
  /** @param owner the process that holds it, where the system says */
  constructor(port: number, owner: string | null, options: { cause: unknown }) {
    const found = isForbidden(options.cause)
      ? 'this system opens it for administrators only'
      : `${owner ?? 'another program'} listens on it`
    super(`Port ${port} was asked for, but ${found}. Name another port, or none.`, options)
    this.name = 'PortTakenError'
    this.port = port
  }
}

/**
 * Listen on the preferred port, else on the next free one.
 * @param host an address of this machine, or a name of it
 * @returns the port
 * @throws PortTakenError when the port is fixed and taken
 */
export async function listen(
  app: FastifyInstance,
  preferred: number,
  isFixed: boolean,
  host = LOOPBACK,
): Promise<number> {
  // Fastify turns its plugins on at the first attempt and cannot listen again after one that failed; the bare server can.
  await app.ready()
  const last = isFixed || preferred === 0 ? preferred : Math.min(preferred + NEXT_PORTS, HIGHEST_PORT)
  for (let port = preferred; port <= last; port++) {
    try {
      return await listenOn(app, host, port)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (isFixed) throw new PortTakenError(port, await ownerOfPort(port), { cause: error })
    }
  }
  return listenOn(app, host, 0)
}

function listenOn({ server }: FastifyInstance, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      server.removeListener('error', reject)
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error('The server has no port.'))
    })
  })
}

/** Also a port below 1024, which only the system may open. */
function isTaken(error: unknown): boolean {
  return codeOf(error) === 'EADDRINUSE' || isForbidden(error)
}

function isForbidden(error: unknown): boolean {
  return codeOf(error) === 'EACCES'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}
