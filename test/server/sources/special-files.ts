import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

/** Put a pipe without a writer in a file's place. */
export async function replaceByPipe(path: string): Promise<void> {
  await rm(path)
  await promisify(execFile)('mkfifo', [path])
}

/** Only root may make one. */
export const CAN_MAKE_DEVICES = process.platform === 'linux' && process.getuid?.() === 0

/** Put a device of endless zeros in a file's place. */
export async function replaceByDevice(path: string): Promise<void> {
  await rm(path)
  await promisify(execFile)('mknod', [path, 'c', '1', '5'])
}

/** Put a socket in a file's place. */
export async function replaceBySocket(path: string): Promise<void> {
  await rm(path)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
}
