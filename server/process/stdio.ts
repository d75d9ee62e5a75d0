import { createWriteStream, fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/**
 * Reads to the end. A piece is only good until `take` returns.
 * @throws what `take` threw, which ends the reading, or why the stream broke
 */
export type ReadPieces = (take: (piece: Uint8Array) => void) => Promise<void>

/** As many as a pipe of the kernel holds. */
const INPUT_BYTES = 1 << 20

/** stdin, into the same memory again and again: what a million cells send would else be some 200 new pieces. */
export function openInput(): ReadPieces {
  const stat = fstatSync(0)
  if (!stat.isFIFO() && !stat.isSocket()) return piecesOf(process.stdin)
  return (take) =>
    new Promise((resolve, reject) => {
      const callback = (length: number, buffer: Uint8Array) => {
        try {
          take(buffer.subarray(0, length))
        } catch (error) {
          input.destroy(error instanceof Error ? error : new Error(String(error)))
        }
        return true
      }
      const input = new Socket({ fd: 0, writable: false, onread: { buffer: new Uint8Array(INPUT_BYTES), callback } })
      input.once('error', reject)
      input.once('close', () => resolve())
      input.resume()
    })
}

export function piecesOf(input: Readable): ReadPieces {
  return async (take) => {
    for await (const piece of input) take(piece)
  }
}

/** stdout and stderr of Node wait for their reader where they are pipes; ours must never stop the event loop. */
export function openOutput(fd: 1 | 2): Writable {
  const stat = fstatSync(fd)
  const output =
    stat.isFIFO() || stat.isSocket()
      ? new Socket({ fd, readable: false, writable: true })
      : createWriteStream('', { fd })
  // Whoever read it is gone; stdin says so too, and that ends the process.
  output.on('error', () => output.destroy())
  return output
}

/** How much of the log may wait for a reader who does not read. */
const MAX_WAITING_BYTES = 1 << 20

/** Writes lines as long as they are read; what comes beyond is lost, but for the lines kept for the report. */
export function lineWriter(output: Writable): (line: string) => void {
  return (line) => {
    if (!output.destroyed && output.writableLength < MAX_WAITING_BYTES) output.write(line)
  }
}

/** The last line of a process that ends now. */
export function writeLastLine(line: string): void {
  try {
    writeSync(2, line)
  } catch (error) {
    // Nobody reads, or the pipe is full: there is nowhere left to say it.
    void error
  }
}
