import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

/** One plain server that stands where a viewer's does: at a port, and at a socket file. */
export type TwoWays = {
  /** Below the notebook server's base. */
  byExtension: string
  byProxy: string
  stop(): void
}

const DOOR = 'd'.repeat(32)
export const RANGE_BYTES = 8 << 20

/** @param runtime the folder of the kernels' connection files */
export async function startTwoWays(runtime: string): Promise<TwoWays> {
  const large = Buffer.alloc(RANGE_BYTES, 'bytes that are not packed on the way')
  const answer: RequestListener = ({ url }, response) => {
    if (url === '/small') response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"ok":true}')
    else
      response.writeHead(206, { 'Content-Type': 'application/octet-stream', 'Content-Length': RANGE_BYTES }).end(large)
  }
  const folder = join(runtime, `cellucid-${DOOR}`)
  mkdirSync(folder, { mode: 0o700 })
  const [atPort, atFile] = [createServer(answer), createServer(answer)]
  await new Promise<void>((listening) => atPort.listen(0, '127.0.0.1', listening))
  await new Promise<void>((listening) => atFile.listen(join(folder, 's'), listening))
  chmodSync(join(folder, 's'), 0o600)
  const { port } = atPort.address() as AddressInfo // it listens on TCP
  return {
    byExtension: `cellucid/${DOOR}/`,
    byProxy: `proxy/${port}/`,
    stop: () => {
      for (const server of [atPort, atFile]) {
        server.closeAllConnections()
        server.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One request of a page that is logged in, to the last byte of its answer. @returns milliseconds */
export async function requestMs(page: Page, url: string, range: number | null): Promise<number> {
  return await page.evaluate(
    async ({ address, bytes }) => {
      const headers: Record<string, string> = bytes === null ? {} : { Range: `bytes=0-${bytes - 1}` }
      const startMs = performance.now()
      const answer = await fetch(address, { headers, cache: 'no-store' })
      const body = await answer.arrayBuffer()
      if (!answer.ok || (bytes !== null && body.byteLength !== bytes))
        throw new Error(`${address} was answered ${answer.status} with ${body.byteLength} bytes`)
      return performance.now() - startMs
    },
    { address: url, bytes: range },
  )
}
