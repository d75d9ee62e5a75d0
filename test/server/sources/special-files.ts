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

/** Put a socket in a file's place. */
export async function replaceBySocket(path: string): Promise<void> {
  await rm(path)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
}
