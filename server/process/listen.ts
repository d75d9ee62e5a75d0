import { createServer, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { LIMITS } from './limits.ts'
import { ownerOfPort } from './port-owner.ts'

/** The address of this machine alone: other machines come by a proxy or a tunnel, which end here. */
export const LOOPBACK = '127.0.0.1'
/** The same in IPv6: a proxy that asks for `localhost` asks there first, and must not find somebody else. */
const LOOPBACK_6 = '::1'
/** How often another free port is taken because its twin is not free. */
const TWIN_TRIES = 20
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
      return await listenOnBoth(app, host, port)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (isFixed) throw new PortTakenError(port, await ownerOfPort(port), { cause: error })
    }
  }
  return listenOnAnyFree(app, host)
}

async function listenOnAnyFree(app: FastifyInstance, host: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return await listenOnBoth(app, host, 0)
    } catch (error) {
      if (!isTaken(error) || tries === TWIN_TRIES) throw error
    }
  }
}

/** On this machine's own address both of IPv4 and, where there is one, of IPv6: of one of them alone the other is anybody's. */
async function listenOnBoth(app: FastifyInstance, host: string, port: number): Promise<number> {
  const twin = host === LOOPBACK ? await openTwin(app, port) : null
  try {
    const found = await listenOn(app.server, host, twin?.port ?? port)
    app.server.once('close', () => twin?.server.close())
    return found
  } catch (error) {
    twin?.server.close()
    throw error
  }
}

/** Hands its connections to the application's server. @returns `null` on a system without IPv6 */
async function openTwin(
  { server: main }: FastifyInstance,
  port: number,
): Promise<{ server: Server; port: number } | null> {
  // As Node makes the server of HTTP.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => main.emit('connection', socket))
  server.maxConnections = LIMITS.sockets
  try {
    return { server, port: await listenOn(server, LOOPBACK_6, port) }
  } catch (error) {
    if (isTaken(error)) throw error
    return null // no such address, or no such family
  }
}

function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true, backlog: LIMITS.backlog }, () => {
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
