import { codeOf } from '../../protocol/errors.ts'

/** Does this process still run? Its number may have gone to another one since. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process has that number now.
    return codeOf(error) === 'EPERM'
  }
}
