import { createWriteStream, fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

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
